#include "tests/unit/http_world.hpp"

#include "actors/errors.hpp"
#include "core/metrics.hpp"
#include "tests/support/server_process.hpp"

#include <boost/test/unit_test.hpp>

#include <caf/send.hpp>
#include <caf/stateful_actor.hpp>
#include <caf/typed_response_promise.hpp>

#include <algorithm>
#include <utility>

namespace jobd::test {
namespace {

namespace atom = actors::atom;

struct fake_manager_state {
  static inline constexpr const char* name = "fake_manager";
  /// And how many jobs each is for.
  std::vector<std::pair<caf::typed_response_promise<actors::created_jobs>, std::size_t>> held;
  std::vector<caf::typed_response_promise<job>> held_finds;
};
using fake_pointer = fake_manager_actor::stateful_pointer<fake_manager_state>;
using seen_ptr = std::shared_ptr<seen>;

job make_job(job_id id, job_status status) {
  auto j = job{};
  j.id = id;
  j.object_id = 3;
  j.status = status;
  j.type = j.queue = "default";
  j.payload = "[1, 2]";
  return j;
}

expected<created_job> create_one(const job_spec& spec) {
  if (spec.type == "throw")
    throw std::runtime_error("the fake manager throws");
  for (const auto code :
       {ec::store_away, ec::store_uncertain, ec::overloaded, ec::stopping, ec::internal, ec::invalid})
    if (spec.queue == "fail" && spec.max_attempts == static_cast<int>(code))
      return fail(code, code == ec::invalid ? "payload holds what PostgreSQL refuses" : "secret");
  return spec.type == "duplicate" ? created_job{7, true, {}} : created_job{spec.object_id, false, {}};
}

/// What is wrong with one job is answered for it, and what is wrong with the store for all.
caf::result<actors::created_jobs> create(fake_pointer self, const actors::job_specs& specs,
                                         const seen_ptr& s) {
  ++s->create_messages;
  s->creates += static_cast<int>(specs.size());
  if (std::ranges::any_of(specs, [](const auto& spec) { return spec.type == "hold"; })) {
    auto promise = self->make_response_promise<actors::created_jobs>();
    self->state.held.emplace_back(promise, specs.size());
    s->holding += static_cast<int>(specs.size());
    return promise;
  }
  auto out = actors::created_jobs{};
  for (const auto& spec : specs) {
    out.push_back(create_one(spec));
    if (!out.back() && out.back().error().code != ec::invalid)
      return actors::to_caf(out.back().error());
  }
  return out;
}

caf::result<actors::submitted> submit(const storage::submission& what, const seen_ptr& s) {
  const auto lock = std::lock_guard{s->mutex};
  s->submission = what;
  if (what.key == "reused")
    return actors::to_caf({ec::key_reused, ""});
  auto out = actors::submitted{};
  for (const auto& spec : what.jobs)
    if (spec.queue == "fail")
      return actors::to_caf({ec::invalid, "jobs[" + std::to_string(out.size()) + "] cannot be held"});
    else
      out.push_back({spec.object_id, spec.type == "duplicate", {}});
  return out;
}

caf::result<job> find(fake_pointer self, job_id id, const seen_ptr& s) {
  if (id == 8) {
    auto promise = self->make_response_promise<job>();
    self->state.held_finds.push_back(promise);
    ++s->holding;
    return promise;
  }
  if (id == 5 || id == 7 || id == 9)
    return make_job(id, id == 5 ? job_status::success : id == 7 ? job_status::created : job_status::running);
  return actors::to_caf({ec::not_found, ""});
}

caf::result<job> wait(fake_pointer self, job_id id, std::chrono::milliseconds time, const seen_ptr& s) {
  const auto lock = std::lock_guard{s->mutex};
  s->wait = time;
  return find(self, id, s);
}

/// A cancel or a retry.
caf::result<job> change(job_id id, job_status to) {
  if (id == 5)
    return actors::to_caf({ec::conflict, "the job is success already"});
  if (id == 7)
    return make_job(id, to);
  if (id == 9)
    return make_job(id, job_status::running);
  return actors::to_caf({ec::not_found, ""});
}

actors::bulk_report change_all(const storage::page_request& page, const seen_ptr& s) {
  const auto lock = std::lock_guard{s->mutex};
  s->page = page;
  return {.changed = 2, .asked = 1, .next = page.before ? std::nullopt : std::optional<job_id>{5}};
}

storage::job_page list(const storage::page_request& page, const seen_ptr& s) {
  const auto lock = std::lock_guard{s->mutex};
  s->page = page;
  return {.jobs = {make_job(9, job_status::running), make_job(7, job_status::created)},
          .next = page.before ? std::nullopt : std::optional<job_id>{7}};
}

caf::result<actors::attempt_records> history(job_id id) {
  if (id != 7)
    return actors::to_caf({ec::not_found, ""});
  return actors::attempt_records{{1, 3, {}, {}, "failed", "no"}};
}

caf::result<storage::explanation> explain(job_id id) {
  if (id != 7)
    return actors::to_caf({ec::not_found, ""});
  return storage::explanation{make_job(id, job_status::created), 4, true, {}};
}

void watch(const actors::event_subscription& what, const seen_ptr& s) {
  if (what.id == 6)
    return what.reader->end({ec::not_found, ""});
  if (what.id == 5 || what.type == "none")
    return what.reader->end({});
  const auto lock = std::lock_guard{s->mutex};
  s->watching.push_back(what);
}

void let_all_go(fake_pointer self) {
  for (auto& [promise, jobs] : self->state.held)
    promise.deliver(actors::created_jobs(jobs, created_job{99, false, {}}));
  for (auto& promise : self->state.held_finds)
    promise.deliver(make_job(8, job_status::success));
  self->state = {};
}

fake_manager_actor::behavior_type fake_manager(fake_pointer self, seen_ptr s) {
  using storage::page_request;
  return {
      [=](atom::create, const actors::job_specs& specs) { return create(self, specs, s); },
      [=](atom::submit, const storage::submission& what) { return submit(what, s); },
      [=](atom::find, job_id id) { return find(self, id, s); },
      [=](atom::await, job_id id, std::chrono::milliseconds time) { return wait(self, id, time, s); },
      [=](atom::list, const page_request& page) { return list(page, s); },
      [=](atom::cancel, job_id id) { return change(id, job_status::cancelled); },
      [=](atom::cancel, const page_request& page) { return change_all(page, s); },
      [=](atom::retry, job_id id) { return change(id, job_status::created); },
      [=](atom::retry, const page_request& page) { return change_all(page, s); },
      [=](atom::history, job_id id) { return history(id); },
      [=](atom::explain, job_id id) { return explain(id); },
      [=](atom::queues) -> caf::result<actors::queue_infos> {
        return actors::queue_infos{{"a", true, {}, 2}, {"b", false, {}, 0}};
      },
      [=](atom::pause, const std::string& queue, bool paused) -> caf::result<storage::queue_info> {
        return storage::queue_info{queue, paused, {}, 1};
      },
      [=](atom::workers) -> caf::result<actors::worker_infos> {
        return actors::worker_infos{{3, {"a", 4, "1.0", 8, {"b"}, {"c", "d"}}, {}, {}, 5}};
      },
      [=](atom::stats) -> caf::result<actors::all_stats> {
        return actors::all_stats{{"a", {1, 2, 3, 4, 5}, seconds{0.5}, {{7}, {}}}, {"b", {0, 0, 7, 0, 0}}};
      },
      [=](atom::watch, const actors::event_subscription& what) { watch(what, s); },
      [=](caf::ok_atom) { let_all_go(self); },
  };
}

actors::inspector_actor::behavior_type fake_inspector(actors::inspector_actor::pointer) {
  return {
      [](atom::measure) { return metrics::text(); },
      [](atom::ready) { return actors::readiness{.progress = true, .reasons = {}}; },
  };
}

} // namespace

http::server_options any_port(int threads) {
  auto options = http::server_options{};
  options.port = 0;
  options.threads = threads;
  return options;
}

http_world::http_world(const http::server_options& options)
    : manager(system.spawn(fake_manager, fake)),
      parts{actors::job_manager_actor{manager}, system.spawn(fake_inspector)},
      server(std::move(http::http_server::start(system, parts, options).value())) {}

http_world::~http_world() {
  server.reset();
  caf::anon_send_exit(manager, caf::exit_reason::user_shutdown);
  caf::anon_send_exit(parts.inspector, caf::exit_reason::user_shutdown);
}

void http_world::let_go() {
  caf::anon_send(manager, caf::ok_atom_v);
}

std::vector<std::future<http_answer>> http_world::hold(int count) {
  auto answers = std::vector<std::future<http_answer>>{};
  const auto before = fake->holding.load();
  for (auto i = 0; i < count; ++i)
    answers.push_back(std::async(std::launch::async, [to = url()] {
      return http_client{}.post(to, R"({"object_id":1,"type":"hold"})");
    }));
  BOOST_REQUIRE(eventually([&] { return fake->holding == before + count; }));
  return answers;
}

std::vector<actors::event_subscription> http_world::watching(std::size_t count) {
  BOOST_REQUIRE(eventually([&] { return fake->read(&seen::watching).size() == count; }));
  return fake->read(&seen::watching);
}

bool contains(const std::string& text, std::string_view part) {
  return text.find(part) != std::string::npos;
}

void is_problem(const http_answer& a, int status) {
  BOOST_TEST(a.status == status, "status " << a.status << ' ' << a.error << ' ' << a.body);
  BOOST_TEST(a.header("content-type") == "application/problem+json");
  BOOST_TEST(contains(a.body, "\"status\":" + std::to_string(status)));
}

void is_503(const http_answer& a) {
  is_problem(a, 503);
  BOOST_TEST((a.header("retry-after") >= "1" && a.header("retry-after") <= "5"));
}

} // namespace jobd::test
