#include "core/metrics.hpp"

#include <prometheus/metric_family.h>
#include <prometheus/text_serializer.h>

#include <sstream>

namespace jobd::metrics {
namespace {

using prometheus::ClientMetric;
using prometheus::MetricFamily;
using prometheus::MetricType;

template <class Metric>
constexpr auto kind = MetricType::Untyped;
template <>
constexpr auto kind<counter> = MetricType::Counter;
template <>
constexpr auto kind<gauge> = MetricType::Gauge;
template <>
constexpr auto kind<histogram> = MetricType::Histogram;

void show(ClientMetric& out, const counter& m) {
  out.counter.value = static_cast<double>(m.value());
}
void show(ClientMetric& out, const gauge& m) {
  out.gauge.value = m.value();
}
/// The total is made of the buckets that were read, so that the two never contradict each other.
void show(ClientMetric& out, const histogram& m) {
  auto total = std::uint64_t{0};
  for (auto i = std::size_t{0}; i < m.bounds().size(); ++i) {
    total += m.count(i);
    out.histogram.bucket.push_back({total, m.bounds()[i]});
  }
  out.histogram.sample_count = total + m.count(m.bounds().size());
  out.histogram.sample_sum = m.sum();
}

/// All metrics as the library takes them.
class collection {
public:
  template <class Metric>
  void add(const char* name, const char* help, const Metric& m) {
    show(begin<Metric>(name, help).metric.emplace_back(), m);
  }
  template <class Metric>
  void add(const char* name, const char* help, std::initializer_list<const char*> labels,
           const labelled<Metric>& all) {
    auto& family = begin<Metric>(name, help);
    all.each([&](const std::vector<std::string>& values, const Metric& m) {
      auto& one = family.metric.emplace_back();
      for (auto i = std::size_t{0}; i < values.size(); ++i)
        one.label.push_back({labels.begin()[i], values[i]});
      show(one, m);
    });
  }
  [[nodiscard]] std::string text() const {
    auto out = std::ostringstream{};
    prometheus::TextSerializer{}.Serialize(out, families_);
    return std::move(out).str();
  }

private:
  template <class Metric>
  MetricFamily& begin(const char* name, const char* help) {
    return families_.emplace_back(MetricFamily{name, help, kind<Metric>, {}});
  }

  std::vector<MetricFamily> families_;
};

void add_clients(collection& to) {
  to.add("jobd_jobs_submitted_total", "New jobs that this node accepted.", {"type"}, submitted);
  to.add("jobd_jobs_duplicate_total", "Submissions that were answered with a job that stood already.",
         {"type"}, duplicates);
  to.add("jobd_http_requests_total", "Answered HTTP requests; a stream counts when it begins.",
         {"route", "status"}, http_requests);
  to.add("jobd_http_request_seconds", "From a request to its answer, or to the beginning of a stream.",
         {"route"}, http_seconds);
  to.add("jobd_http_pending_requests", "Requests that wait for an answer from inside.", http_pending);
  to.add("jobd_http_waiters", "Requests that wait for the end of a job.", http_waiters);
  to.add("jobd_http_event_readers", "Open streams of events.", event_readers);
}

void add_runs(collection& to) {
  to.add("jobd_slots", "Jobs that this node may run at a time.", slots);
  to.add("jobd_jobs_running", "Jobs that this node runs.", running);
  to.add("jobd_hints_buffered", "Hints that wait for a slot of this node.", buffered);
  to.add("jobd_outbox_size", "Outcomes that are not written yet.", outbox);
  to.add("jobd_job_pickup_seconds", "From when a job was ready to the start of its first attempt.",
         pickup_seconds);
  to.add("jobd_job_run_seconds", "How long attempts ran.", {"type"}, run_seconds);
  to.add("jobd_job_outcomes_total", "Ends of attempts that the store accepted.", {"type", "outcome"},
         outcomes);
  to.add("jobd_late_outcomes_total", "Ends of attempts that the store refused as too late.",
         refused_outcomes);
  to.add("jobd_jobs_recovered_total", "Jobs of dead nodes that this node gave back or ended.", {"status"},
         recovered);
}

void add_ground(collection& to) {
  to.add("jobd_database_up", "1 while a connection to the database is open.", database_up);
  to.add("jobd_queue_up", "1 while Redis can be reached; always 1 in standalone.", queue_up);
  to.add("jobd_queue_depth", "Hints in the queue, asked at each scrape; NaN if there was no answer.",
         {"queue"}, queue_depth);
  to.add("jobd_flush_seconds", "How long transactions of batches took.", flush_seconds);
  to.add("jobd_flush_requests", "Requests in one batch.", flush_requests);
  to.add("jobd_flush_failures_total", "Batches that failed as a whole.", flush_failures);
  to.add("jobd_storage_waiting_requests",
         "Jobs to store, ends of runs, hints to claim and other requests that wait for the database.",
         storage_waiting);
  to.add("jobd_mailbox_messages", "Messages that an actor has not read yet, when it read its last one.",
         {"actor"}, mailbox);
}

} // namespace

bounded_names types;
bounded_names queues;

labelled<counter> submitted;
labelled<counter> duplicates;
labelled<counter> http_requests;
labelled<histogram> http_seconds;
gauge http_pending;
gauge http_waiters;
gauge event_readers;

gauge slots;
gauge running;
gauge buffered;
gauge outbox;
histogram pickup_seconds;
labelled<histogram> run_seconds;
labelled<counter> outcomes;
counter refused_outcomes;
labelled<counter> recovered;

gauge database_up;
gauge queue_up;
labelled<gauge> queue_depth;
histogram flush_seconds;
histogram flush_requests{sizes};
counter flush_failures;
gauge storage_waiting;
labelled<gauge> mailbox;

std::string_view bounded_names::bound(std::string_view name) {
  static constexpr auto other = std::string_view{"other"};
  {
    const auto lock = std::shared_lock{mutex_};
    if (known_.contains(name))
      return name;
    if (known_.size() >= most)
      return other;
  }
  const auto lock = std::unique_lock{mutex_};
  if (known_.size() < most)
    known_.emplace(name);
  return known_.contains(name) ? name : other;
}

std::vector<std::string> bounded_names::all() const {
  const auto lock = std::shared_lock{mutex_};
  return {known_.begin(), known_.end()};
}

std::string text() {
  auto build = labelled<gauge>{};
  build.of({JOBD_VERSION}).set(1);
  auto all = collection{};
  all.add("jobd_build_info", "Always 1; its label says what runs.", {"version"}, build);
  add_clients(all);
  add_runs(all);
  add_ground(all);
  return all.text();
}

} // namespace jobd::metrics
