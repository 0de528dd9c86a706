#include "tests/contract/told.hpp"

#include <cmath>

namespace jobd::test {

std::string teller::operator()(seconds s) const {
  const auto rounded = static_cast<int>(std::lround(s.count() / 20)) * 20;
  return text(rounded > 0 ? "+" : "", rounded, 's');
}

// ---------------------------------------------------------------- requests

std::string teller::operator()(const job_spec& s) const {
  return text("create ", s.type, '/', s.object_id, " in ", s.queue, " priority ", s.priority,
              s.object_limit > 0 ? " one of its object at a time" : "", maybe("run_at", s.run_at),
              maybe("delay", s.delay), maybe("expires_in", s.expires_in),
              s.max_attempts > 1 ? text(" max_attempts ", s.max_attempts) : "");
}

std::string teller::operator()(const storage::finish_request& f) const {
  return text(lifecycle::to_string(f.what.what), ' ', (*this)(f.run), " by node ", f.node, " \"", f.message,
              '"');
}

std::string teller::operator()(const storage::claim_request& c) const {
  return text("claim ", c.limit, " by node ", c.node, " of ",
              c.ids.empty() ? text("queues ", (*this)(c.queues)) : text("jobs ", (*this)(c.ids)), " types ",
              (*this)(c.types));
}

std::string teller::operator()(const storage::progress_update& p) const {
  return text("progress ", (*this)(p.run), " by node ", p.node, ' ', p.progress);
}

std::string teller::operator()(const storage::batch& b) const {
  auto out = std::string{};
  const auto add = [&](const auto& parts) {
    for (const auto& part : parts)
      out += (out.empty() ? "" : "; ") + (*this)(part);
  };
  add(b.progresses);
  add(b.finishes);
  add(b.claims);
  add(b.creates);
  return out;
}

// ---------------------------------------------------------------- answers

std::string teller::operator()(const storage::batch_result& r) const {
  auto out = std::string{};
  const auto add = [&](const char* name, const auto& parts) {
    if (!parts.empty())
      out += text(out.empty() ? "" : " ", name, ' ', (*this)(parts));
  };
  add("finishes", r.finishes);
  add("unblocked", r.unblocked);
  add("claims", r.claims);
  add("creates", r.creates);
  return out;
}

std::string teller::operator()(const job& j) const {
  return text("job ", j.id, ' ', j.type, '/', j.object_id, ' ', to_string(j.status),
              j.ready ? "" : " not ready", j.cancel_requested ? " cancel requested" : "", " in ", j.queue,
              " priority ", j.priority, " attempt ", j.attempt, " failures ", j.failures, " of ",
              j.max_attempts, " recoveries ", j.recoveries, " object_limit ", j.object_limit,
              maybe("node", j.node), " created ", (*this)(j.created_at), maybe("run_at", j.run_at),
              maybe("started", j.start_time), maybe("ended", j.end_time), maybe("expires", j.expires_at),
              maybe("payload", j.payload), maybe("progress", j.progress), maybe("result", j.result),
              maybe("message", j.message));
}

std::string teller::operator()(const created_job& c) const {
  return text("job ", c.id, c.duplicate ? " duplicate" : "", maybe("run_at", c.run_at));
}

std::string teller::operator()(const claimed_job& j) const {
  return text("job ", j.id, '/', j.attempt, ' ', j.type, '/', j.object_id, " in ", j.queue, " priority ",
              j.priority, " failures ", j.failures, " of ", j.max_attempts, " object_limit ", j.object_limit,
              ' ', j.payload, maybe("waited", j.waited));
}

std::string teller::operator()(const storage::job_change& c) const {
  return text("job ", c.id, '/', c.attempt, ' ', c.type, '/', c.object_id, " in ", c.queue, " priority ",
              c.priority, ' ', to_string(c.status), maybe("node", c.node));
}

std::string teller::operator()(const storage::attempt_record& a) const {
  return text(a.attempt, ' ', a.outcome, maybe("node", a.node), a.start_time ? " started" : "",
              a.end_time ? " ended" : "", maybe("message", a.message));
}

std::string teller::operator()(const storage::beat_report& r) const {
  return text(r.known ? "known" : "unknown", " overdue ", (*this)(r.overdue), " orphaning ",
              (*this)(r.orphaning), " running ", (*this)(r.running), " cancelled ", (*this)(r.cancelled),
              " paused ", (*this)(r.paused));
}

std::string teller::operator()(const storage::expiry& e) const {
  return (*this)(e.expired) + maybe("next", e.next_in);
}

std::string teller::operator()(const storage::promotion& p) const {
  return (*this)(p.hints) + maybe("next", p.next_in);
}

std::string teller::operator()(const storage::prune_report& r) const {
  return text(r.jobs, " jobs ", r.dedupe_rows, " keys", r.done ? " done" : "");
}

std::string teller::operator()(const storage::queue_stats& q) const {
  auto out = q.queue;
  for (const auto n : q.jobs)
    out += text(' ', n);
  return out + (q.oldest_ready ? " some ready" : "");
}

std::string teller::operator()(const storage::queue_info& q) const {
  return text(q.name, q.paused ? " paused" : " open", q.changed_at ? " changed" : "", " workers ", q.workers);
}

} // namespace jobd::test
