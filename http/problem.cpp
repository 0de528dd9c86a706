#include "http/problem.hpp"

#include "core/job.hpp"
#include "core/json_text.hpp"
#include "core/log.hpp"
#include "http/json.hpp"

#include <algorithm>

namespace jobd::http::problem {
namespace {

/// One kind of problem: `urn:jobd:problem:<name>`.
struct kind {
  int status;
  std::string_view name;
  std::string_view title;
};

constexpr kind invalid{400, "invalid", "The request is not valid"};
constexpr kind no_token{401, "unauthorized", "A token is needed"};
constexpr kind wrong_role{403, "forbidden", "The token does not allow it"};
constexpr kind not_found{404, "not-found", "There is no such resource"};
constexpr kind wrong_method{405, "method-not-allowed", "The method is not allowed here"};
constexpr kind conflict{409, "conflict", "The job's status does not allow it"};
constexpr kind too_large{413, "body-too-large", "The body is too large"};
constexpr kind too_long{414, "target-too-long", "The address is too long"};
constexpr kind wrong_type{415, "unsupported-media-type", "The body must be JSON"};
constexpr kind key_reused{422, "key-reused", "The Idempotency-Key belongs to another request"};
constexpr kind internal{500, "internal", "Something went wrong inside"};
constexpr kind away{503, "store-away", "Jobs cannot be stored or read now"};
constexpr kind uncertain{503, "store-uncertain", "It is not known whether it was done"};
constexpr kind overloaded{503, "overloaded", "Too many requests are waiting"};
constexpr kind stopping{503, "stopping", "The server is stopping"};

constexpr auto idempotency_key = std::string_view{"Idempotency-Key"};
static_assert(limits::idempotency_key_bytes == 255);

reply make(const kind& k, std::string_view detail, std::string_view field = {}) {
  auto body = "{\"type\":\"urn:jobd:problem:" + std::string{k.name} + "\",\"title\":" + json_string(k.title)
              + ",\"status\":" + std::to_string(k.status)
              + ",\"detail\":" + json_string(storable_text(detail));
  if (!field.empty())
    body += ",\"field\":" + json_string(field);
  return {k.status, "application/problem+json", body + "}"};
}

/// 503 asks the client to come back: after a second if room is made all the time, later if something has to
/// recover.
reply make_retry(const kind& k, std::string_view detail, int retry_after_seconds) {
  auto r = make(k, detail);
  r.headers.emplace_back("Retry-After", std::to_string(retry_after_seconds));
  return r;
}

/// The field that a context speaks of: it names the field first, in a batch as `jobs[3].priority` or, if the
/// job as a whole is meant, `jobs[3]`.
std::string_view field_of(std::string_view context) {
  const auto word = context.substr(0, context.find(' '));
  const auto dot = word.find('.');
  const auto index = word.substr(0, dot);
  if (index.starts_with("jobs[") && index.ends_with(']'))
    return dot == std::string_view::npos || is_job_field(word.substr(dot + 1)) ? word : index;
  return is_job_field(word) ? word : std::string_view{};
}

} // namespace

reply from(const error& e) {
  switch (e.code) {
  case ec::invalid: return make(invalid, e.context, field_of(e.context));
  case ec::not_found: return no_such_job();
  case ec::conflict: return make(conflict, e.context);
  case ec::key_reused:
    return make(key_reused, "this key came with another method, path or body less than 24 hours ago",
                idempotency_key);
  case ec::overloaded: return make_retry(overloaded, "nothing was stored; try again", 1);
  case ec::stopping: return make_retry(stopping, "nothing was stored; try again", 2);
  case ec::store_away:
  case ec::schema_old: return make_retry(away, "the store cannot be reached; try again", 5);
  case ec::store_uncertain:
    return make_retry(uncertain,
                      "the job may exist, or may have changed, for the answer about it was lost; again with "
                      "the same Idempotency-Key, or within the dedupe window the same type and object_id, "
                      "gets the same job",
                      5);
  default: break;
  }
  log::error("HTTP request failed inside", {{"error", to_string(e)}});
  return make(internal, "the server's log has the cause");
}

reply unauthorized(bool token_was_sent) {
  auto r = make(no_token, token_was_sent ? "the token is unknown" : "send Authorization: Bearer TOKEN");
  r.headers.emplace_back("WWW-Authenticate", token_was_sent ? R"(Bearer realm="jobd", error="invalid_token")"
                                                            : R"(Bearer realm="jobd")");
  return r;
}

reply forbidden(std::string_view needed_role) {
  const auto role = std::string{needed_role};
  auto r = make(wrong_role, "a token with the role " + role + " is needed");
  r.headers.emplace_back("WWW-Authenticate",
                         R"(Bearer realm="jobd", error="insufficient_scope", scope=")" + role + '"');
  return r;
}

reply no_such_path() {
  return make(not_found,
              "no such path: there are /v1/jobs, /v1/jobs/batch, /v1/jobs/retry, /v1/jobs/{id}, "
              "its parts retry, history, explain and events, /v1/events, /v1/queues, "
              "/v1/queues/{name}/pause and resume, /v1/workers, /v1/stats, /healthz, /readyz, /metrics and "
              "/openapi.json");
}

reply no_such_job() {
  return make(not_found, "no such job");
}

reply method_not_allowed(std::string_view allowed) {
  auto r = make(wrong_method, "allowed: " + std::string{allowed});
  r.headers.emplace_back("Allow", allowed);
  return r;
}

reply from(const bad_parameter& p) {
  return make(invalid, p.rule, storable_text(p.name));
}

reply no_filter() {
  return make(invalid,
              "a filter is needed: give at least one of status, type, queue, object_id and created_after");
}

reply unwanted_body() {
  return make(invalid, "this request takes no body");
}

reply bad_idempotency_key() {
  return make(invalid, std::string{idempotency_key} + " must be 1 to 255 visible ASCII characters",
              idempotency_key);
}

reply body_too_large(std::size_t most) {
  auto r = make(too_large, "a body may have " + std::to_string(most) + " bytes here");
  r.close = true;
  return r;
}

reply target_too_long() {
  auto r = make(too_long, "a path with its query may have 2048 bytes");
  r.close = true;
  return r;
}

reply malformed(int status, std::string_view why) {
  static constexpr auto title = std::string_view{"The request cannot be read"};
  static constexpr kind kinds[] = {
      {408, "too-slow", title},
      too_large,
      too_long,
      {417, "expectation-failed", title},
      {431, "head-too-large", title},
      {501, "not-implemented", title},
      {505, "version-not-supported", title},
  };
  const auto* known = std::ranges::find(kinds, status, &kind::status);
  auto r = make(known != std::end(kinds) ? *known : kind{400, "malformed", title}, why);
  r.close = true;
  return r;
}

reply wrong_content_type(std::string_view taken) {
  return make(wrong_type, "Content-Type must be " + std::string{taken});
}

} // namespace jobd::http::problem
