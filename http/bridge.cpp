#include "http/bridge.hpp"

#include "core/metrics.hpp"
#include "core/trace.hpp"
#include "http/batch.hpp"
#include "http/fingerprint.hpp"
#include "http/json.hpp"
#include "http/openapi.hpp"
#include "http/problem.hpp"

#include <caf/exit_reason.hpp>
#include <caf/send.hpp>

#include <algorithm>
#include <utility>

namespace jobd::http {
namespace {

using kind = route::kind;

/// Several, for CAF searches the open requests of an actor one by one.
constexpr auto gateway_count = 16;

constexpr auto max_target_bytes = std::size_t{2048};
constexpr auto json_type = std::string_view{"application/json"};
constexpr auto lines_type = std::string_view{"application/x-ndjson"};

// -------------------------------------------------------------------------------- answers

/// A taker of an answer that sends what `show` makes of it.
template <class Show>
auto showing(Show show) {
  return [show](const auto& a, responder& answer) { answer(show(a)); };
}

int status_of(const created_job& created) {
  return created.duplicate ? 200 : 201;
}

void add_location(const created_job& created, reply& r) {
  if (!created.duplicate)
    r.headers.emplace_back("Location", "/v1/jobs/" + std::to_string(created.id));
}

reply show_created(const created_job& created) {
  auto r = reply{.status = status_of(created), .body = to_json(created)};
  add_location(created, r);
  return r;
}

reply show_submitted(const actors::submitted& created) {
  const auto all_known = std::ranges::all_of(created, &created_job::duplicate);
  return {.status = all_known ? 200 : 201, .body = to_json(created)};
}

reply show_job(const job& j) {
  return {.body = to_json(j)};
}

/// A job that runs ends a little later.
reply show_cancelled(const job& j) {
  return {.status = j.status == job_status::running ? 202 : 200, .body = to_json(j)};
}

reply show_page(const query& q, const storage::job_page& page) {
  auto shown = to_json(page);
  auto r = reply{.body = std::move(shown.text)};
  if (shown.next)
    r.headers.emplace_back("Link", "</v1/jobs?" + next_page(q, *shown.next) + ">; rel=\"next\"");
  return r;
}

reply show_readiness(const actors::readiness& r) {
  return {.status = r.reasons.empty() ? 200 : 503, .body = to_json(r)};
}

// -------------------------------------------------------------------------------- requests

/// Case does not count, and parameters such as charset are allowed.
bool is_type(std::string_view content_type, std::string_view wanted) {
  auto media = content_type.substr(0, content_type.find(';'));
  media = media.substr(0, media.find_last_not_of(" \t") + 1);
  const auto same = [](char a, char b) {
    return a == (b >= 'A' && b <= 'Z' ? static_cast<char>(b + 32) : b);
  };
  return std::ranges::equal(wanted, media, same);
}

bool is_idempotency_key(std::string_view key) {
  return !key.empty() && key.size() <= limits::idempotency_key_bytes
         && std::ranges::all_of(key, [](char c) { return c > ' ' && c <= '~'; });
}

parameters known_parameters(kind what) {
  using enum parameter;
  switch (what) {
  case kind::submit:
  case kind::get: return {wait};
  case kind::list:
  case kind::cancel_all:
  case kind::retry_all: return {status, type, queue, object_id, created_after, limit, cursor};
  case kind::events: return {type, queue};
  default: return {};
  }
}

/// All of a submission but its jobs.
expected<storage::submission> submission_of(const request& r) {
  auto out = storage::submission{};
  auto print = fingerprint(r.method, r.target.substr(0, r.target.find('?')), r.body);
  if (!print)
    return tl::unexpected(std::move(print.error()));
  out.fingerprint = std::move(*print);
  if (r.idempotency_key)
    out.key = std::string{*r.idempotency_key};
  return out;
}

storage::page_request page_of(const query& q, int default_limit) {
  return {q.filter, q.limit.value_or(default_limit), q.before};
}

/// Goes on with a job that was stored: its request waits for its end. If that fails, the job is nonetheless
/// stored, and the answer is what it would be without a wait.
struct await_end {
  gateway_actor next;
  actors::job_manager_actor manager;
  std::shared_ptr<void> place;
  std::chrono::milliseconds wait;
  std::chrono::milliseconds answer_within;

  void operator()(const created_job& created, responder& answer) const {
    answer.settle_for(show_created(created));
    const auto show = [created](const job& j) {
      auto r = reply{.status = status_of(created), .body = to_json(j)};
      add_location(created, r);
      return r;
    };
    caf::anon_send(
        next, questions{make_question<job>({std::move(answer), place, effect::reads}, wait + answer_within,
                                           manager, showing(show), actors::atom::await_v, created.id, wait)});
  }
};

/// As many as one message may carry.
std::vector<std::vector<wanted_job>> portions(std::vector<wanted_job> all) {
  auto out = std::vector<std::vector<wanted_job>>{};
  auto bytes = std::size_t{0};
  for (auto& j : all) {
    if (out.empty() || out.back().size() >= actors::request_items || bytes >= actors::request_bytes) {
      out.emplace_back();
      bytes = 0;
    }
    bytes += j.spec.payload.size();
    out.back().push_back(std::move(j));
  }
  return out;
}

} // namespace

bridge::gateways::gateways(caf::actor_system& system) {
  for (auto i = 0; i < gateway_count; ++i)
    all_.push_back(system.spawn(gateway));
}

void bridge::gateways::stop() {
  // A gateway that ends drops its questions, and a dropped question answers.
  for (const auto& g : all_)
    caf::anon_send_exit(g, caf::exit_reason::user_shutdown);
}

bridge::bridge(caf::actor_system& system, bridge_parts parts, const bridge_options& options,
               std::function<void()> soon)
    : parts_(std::move(parts)),
      options_(options),
      quick_(system),
      waiting_(system),
      pages_(system.spawn<caf::detached>(gateway)),
      soon_(std::move(soon)),
      pending_(std::make_shared<waiting_room>(jobd::metrics::http_pending, options.max_pending,
                                              options.max_pending_bytes)),
      waits_(std::make_shared<waiting_room>(jobd::metrics::http_waiters, options.max_waits)),
      streams_(options.max_streams),
      tokens_(options.tokens) {}

bridge::~bridge() {
  stop();
}

void bridge::refuse() {
  refusing_ = true;
  waiting_.stop();
  streams_.stop();
}

void bridge::stop() {
  refuse();
  flush();
  quick_.stop();
  caf::anon_send_exit(pages_, caf::exit_reason::user_shutdown);
}

void bridge::handle(const request& r, responder answer) {
  if (const auto most = most_body_bytes(r.method, r.target); r.body_bytes > most)
    return answer(problem::body_too_large(most));
  if (r.target.size() > max_target_bytes)
    return answer(problem::target_too_long());

  if (auto denied = deny(r))
    return answer(std::move(*denied));
  const auto to = find_route(r.method, r.target);
  if (to.what == kind::not_found || (!parts_.jobs && !is_for_operators(to.what)))
    return answer(problem::no_such_path());
  if (to.what == kind::method_not_allowed)
    return answer(problem::method_not_allowed(to.allowed));
  const auto q = parse_query(to.query, known_parameters(to.what));
  if (!q)
    return answer(problem::from(q.error()));
  if (has_id(to.what) && to.id == 0)
    return answer(problem::no_such_job());
  if (to.what == kind::healthz)
    return answer({.body = R"({"status":"ok"})"});
  if (to.what == kind::openapi)
    return answer({.body = std::string{openapi()}});
  if (to.what == kind::readyz && refusing_)
    return answer(show_readiness({.progress = {}, .reasons = {{"stopping", "the process ends"}}}));
  if (refusing_)
    return answer.refuse({ec::stopping, {}});
  dispatch(to, *q, r, std::move(answer));
}

std::optional<reply> bridge::deny(const request& r) const {
  const auto tokens = tokens_.load();
  const auto needed = needed_role(r.method, r.target);
  if (!tokens || !needed)
    return std::nullopt;
  using enum token_list::verdict;
  switch (tokens->check(r.authorization, *needed)) {
  case no_token: return problem::unauthorized(false);
  case unknown_token: return problem::unauthorized(true);
  case other_role: return problem::forbidden(to_string(*needed));
  case granted: break;
  }
  return std::nullopt;
}

void bridge::dispatch(const route& to, const query& q, const request& r, responder answer) {
  namespace atom = actors::atom;
  switch (to.what) {
  case kind::metrics: return metrics(std::move(answer));
  case kind::readyz: return ready(std::move(answer));
  case kind::submit: return submit(q, r, std::move(answer));
  case kind::submit_batch: return submit_batch(r, std::move(answer));
  case kind::list: return list(q, std::move(answer));
  case kind::get: return get(to.id, q, std::move(answer));
  case kind::cancel_all:
  case kind::retry_all: return change_all(to, q, r, std::move(answer));
  case kind::cancel:
  case kind::retry: return change_one(to, r, std::move(answer));
  case kind::history:
    return ask<actors::attempt_records>(effect::reads, 0,
                                        showing([](const auto& a) { return reply{.body = to_json(a)}; }),
                                        std::move(answer), atom::history_v, to.id);
  case kind::explain:
    return ask<storage::explanation>(effect::reads, 0,
                                     showing([](const auto& e) { return reply{.body = to_json(e)}; }),
                                     std::move(answer), atom::explain_v, to.id);
  case kind::queues:
    return ask<actors::queue_infos>(effect::reads, 0,
                                    showing([](const auto& all) { return reply{.body = to_json(all)}; }),
                                    std::move(answer), atom::queues_v);
  case kind::pause:
  case kind::resume: return pause(to, r, std::move(answer));
  case kind::workers:
    return ask<actors::worker_infos>(effect::reads, 0,
                                     showing([](const auto& all) { return reply{.body = to_json(all)}; }),
                                     std::move(answer), atom::workers_v);
  case kind::stats:
    return ask<actors::all_stats>(effect::reads, 0,
                                  showing([](const auto& all) { return reply{.body = to_json(all)}; }),
                                  std::move(answer), atom::stats_v);
  case kind::job_events:
  case kind::events: return watch(to.id, q, r, std::move(answer));
  case kind::healthz:
  case kind::openapi:
  case kind::not_found:
  case kind::method_not_allowed: return;
  }
}

/// Also when no request of the job API finds a place any more.
void bridge::metrics(responder answer) {
  const auto show = [](const std::string& text) {
    return reply{.content_type = jobd::metrics::text_type, .body = text};
  };
  collect(make_question<std::string>({std::move(answer), nullptr, effect::reads}, options_.answer_within,
                                     parts_.inspector, showing(show), actors::atom::measure_v));
}

void bridge::ready(responder answer) {
  collect(make_question<actors::readiness>({std::move(answer), nullptr, effect::reads},
                                           options_.answer_within, parts_.inspector, showing(show_readiness),
                                           actors::atom::ready_v));
}

void bridge::submit(const query& q, const request& r, responder answer) {
  if (!is_type(r.content_type, json_type))
    return answer(problem::wrong_content_type(json_type));
  if (r.idempotency_key && !is_idempotency_key(*r.idempotency_key))
    return answer(problem::bad_idempotency_key());
  auto spec = parse_job_spec(r.body);
  if (!spec)
    return answer.refuse(spec.error());
  spec->traceparent = read_traceparent(r.traceparent).value_or("");
  if (!q.wait)
    return store(std::move(*spec), r, showing(show_created), std::move(answer));
  auto place = waiting_room::enter(waits_);
  if (!place)
    return answer.refuse({ec::overloaded, {}});
  store(std::move(*spec), r,
        await_end{waiting_.next(), *parts_.jobs, std::move(place), *q.wait, options_.answer_within},
        std::move(answer));
}

template <class Take>
void bridge::store(job_spec spec, const request& r, Take take, responder answer) {
  if (!r.idempotency_key) {
    auto by = admit(effect::writes, r.body.size(), std::move(answer));
    if (by && unstored_.put({std::move(*by), std::move(spec), std::move(take)}))
      soon_();
    return;
  }
  auto submission = submission_of(r);
  if (!submission)
    return answer.refuse(submission.error());
  submission->jobs.push_back(std::move(spec));
  const auto take_first = [take = std::move(take)](const actors::submitted& all, responder& way_back) {
    all.empty() ? way_back.refuse({ec::internal, "no answer for a job"}) : take(all.front(), way_back);
  };
  ask<actors::submitted>(effect::writes, r.body.size(), take_first, std::move(answer), actors::atom::submit_v,
                         std::move(*submission));
}

void bridge::submit_batch(const request& r, responder answer) {
  const auto lines = is_type(r.content_type, lines_type);
  if (!lines && !is_type(r.content_type, json_type))
    return answer(problem::wrong_content_type("application/json or application/x-ndjson"));
  if (r.idempotency_key && !is_idempotency_key(*r.idempotency_key))
    return answer(problem::bad_idempotency_key());
  auto jobs = parse_batch(r.body, lines ? batch_format::lines : batch_format::array);
  if (!jobs)
    return answer.refuse(jobs.error());
  if (const auto trace = read_traceparent(r.traceparent))
    for (auto& spec : *jobs)
      spec.traceparent = *trace;
  auto submission = r.idempotency_key ? submission_of(r) : storage::submission{};
  if (!submission)
    return answer.refuse(submission.error());
  submission->jobs = std::move(*jobs);
  ask<actors::submitted>(effect::writes, r.body.size(), showing(show_submitted), std::move(answer),
                         actors::atom::submit_v, std::move(*submission));
}

void bridge::get(job_id id, const query& q, responder answer) {
  if (!q.wait)
    return ask<job>(effect::reads, 0, showing(show_job), std::move(answer), actors::atom::find_v, id);
  auto place = waiting_room::enter(waits_);
  if (!place)
    return answer.refuse({ec::overloaded, {}});
  caf::anon_send(waiting_.next(),
                 questions{make_question<job>({std::move(answer), std::move(place), effect::reads},
                                              options_.answer_within + *q.wait, *parts_.jobs,
                                              showing(show_job), actors::atom::await_v, id, *q.wait)});
}

void bridge::list(const query& q, responder answer) {
  const auto page = page_of(q, storage::page_request{}.limit);
  const auto show = [q](const storage::job_page& p) { return show_page(q, p); };
  if (auto by = admit(effect::reads, 0, std::move(answer)))
    caf::anon_send(pages_, questions{make_question<storage::job_page>(std::move(*by), options_.answer_within,
                                                                      *parts_.jobs, showing(show),
                                                                      actors::atom::list_v, page)});
}

void bridge::change_one(const route& to, const request& r, responder answer) {
  if (r.body_bytes > 0)
    return answer(problem::unwanted_body());
  if (to.what == kind::cancel)
    return ask<job>(effect::writes, 0, showing(show_cancelled), std::move(answer), actors::atom::cancel_v,
                    to.id);
  ask<job>(effect::writes, 0, showing(show_job), std::move(answer), actors::atom::retry_v, to.id);
}

void bridge::change_all(const route& to, const query& q, const request& r, responder answer) {
  using actors::bulk_report;
  if (r.body_bytes > 0)
    return answer(problem::unwanted_body());
  if (!q.has_filter())
    return answer(problem::no_filter());
  const auto page = page_of(q, limits::page_jobs);
  const auto show_cancel = [](const bulk_report& b) {
    return reply{.body = cancelled_json(b.changed, b.asked, b.next)};
  };
  const auto show_retry = [](const bulk_report& b) { return reply{.body = retried_json(b.changed, b.next)}; };
  if (to.what == kind::cancel_all)
    return ask<bulk_report>(effect::writes, 0, showing(show_cancel), std::move(answer),
                            actors::atom::cancel_v, page);
  ask<bulk_report>(effect::writes, 0, showing(show_retry), std::move(answer), actors::atom::retry_v, page);
}

void bridge::pause(const route& to, const request& r, responder answer) {
  if (r.body_bytes > 0)
    return answer(problem::unwanted_body());
  ask<storage::queue_info>(
      effect::writes, 0, showing([](const auto& q) { return reply{.body = to_json(q)}; }), std::move(answer),
      actors::atom::pause_v, std::string{to.name}, to.what == kind::pause);
}

void bridge::watch(job_id id, const query& q, const request& r, responder answer) {
  auto place = streams_.enter();
  if (!place)
    return answer.refuse({ec::overloaded, {}});
  const auto of_one_job = id != 0;
  auto stream = std::make_shared<event_stream>(answer.release(), std::move(place), of_one_job);
  streams_.add(stream);
  if (!of_one_job)
    stream->open();
  auto wanted = actors::event_subscription{
      .id = of_one_job ? std::optional{id} : std::nullopt,
      .type = q.filter.type,
      .queue = q.filter.queue,
      .last_event_id = std::string{r.last_event_id},
      .reader = std::move(stream),
  };
  caf::anon_send(*parts_.jobs, actors::atom::watch_v, std::move(wanted));
}

std::optional<asker> bridge::admit(effect what, std::size_t bytes, responder answer) {
  auto place = waiting_room::enter(pending_, bytes);
  if (place)
    return asker{std::move(answer), std::move(place), what};
  answer.refuse({ec::overloaded, {}});
  return {};
}

template <class Answer, class Take, class... Message>
void bridge::ask(effect what, std::size_t bytes, Take take, responder answer, Message... message) {
  if (auto by = admit(what, bytes, std::move(answer)))
    collect(make_question<Answer>(std::move(*by), options_.answer_within, *parts_.jobs, std::move(take),
                                  std::move(message)...));
}

void bridge::collect(question_ptr q) {
  if (unasked_.put(std::move(q)))
    soon_();
}

void bridge::flush() {
  auto all = unasked_.take();
  for (auto& jobs : portions(unstored_.take()))
    all.push_back(
        std::make_shared<create_question>(std::move(jobs), options_.answer_within, parts_.jobs.value()));
  if (!all.empty())
    caf::anon_send(quick_.next(), std::move(all));
}

} // namespace jobd::http
