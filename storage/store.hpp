#pragma once

#include "core/error.hpp"
#include "core/job.hpp"
#include "core/lease.hpp"
#include "core/lifecycle.hpp"
#include "core/recent_times.hpp"

#include <array>
#include <optional>
#include <span>
#include <string>
#include <vector>

/// Where jobs are kept. One `store` is one connection: not thread-safe, owned by one actor.
namespace jobd::storage {

/// The end of a run, fenced by node and attempt.
struct finish_request {
  node_id node = 0;
  run_key run;
  lifecycle::conclusion what;
  /// JSON text, only for `succeed`; empty is null.
  std::string result;
  std::string message;
};

enum class finish_answer : std::uint8_t {
  /// Written, now or by an earlier try of the same finish whose answer was lost.
  accepted,
  /// The same, but a retry or a release of a job that was asked to end: it is cancelled.
  cancelled,
  /// The run is another's by now, a rescue took it, or the job is gone: the job is as it was.
  stale,
};

/// A node takes jobs that are created and ready and of the given types.
struct claim_request {
  node_id node = 0;
  /// Jobs that the queue hinted at. Empty: the first ones of `queues`, in queue order.
  std::vector<job_id> ids;
  std::vector<std::string> queues;
  std::vector<std::string> types;
  int limit = 1;
};

/// What a run tells of itself. Written only while it is the job's.
struct progress_update {
  node_id node = 0;
  run_key run;
  /// A JSON object, at most `limits::progress_bytes`.
  std::string progress;
};

/// What one flush writes: one transaction, progresses first, then in this order.
struct batch {
  std::vector<finish_request> finishes;
  std::vector<claim_request> claims;
  std::vector<job_spec> creates;
  /// Skip what is locked: the next one tells more.
  std::vector<progress_update> progresses = {};

  [[nodiscard]] std::size_t size() const noexcept {
    return finishes.size() + claims.size() + creates.size() + progresses.size();
  }
};

/// One answer for each part of the batch, in its order.
struct batch_result {
  std::vector<finish_answer> finishes;
  std::vector<std::vector<claimed_job>> claims;
  /// `ec::invalid` for a job that the store cannot hold; the others of its batch are not touched by it.
  std::vector<expected<created_job>> creates;
  /// Jobs that waited for one of these finishes (`object_limit`) and are ready now.
  std::vector<hint> unblocked = {};
};

/// A node as it introduces itself.
struct node_info {
  std::string host;
  int pid = 0;
  std::string version;
  int slots = 0;
  /// What it takes: a job that no live node takes is waiting for one. Empty for a node without slots.
  std::vector<std::string> queues = {};
  std::vector<std::string> types = {};
};

/// The answer to a beat.
struct beat_report {
  /// False: the node was condemned. It drops its runs and registers anew.
  bool known = false;
  /// Nodes whose beat is older than `lease::overdue_after`, by the store's clock.
  std::vector<lease::suspect> overdue;
  /// Nodes that own running jobs but have no row.
  std::vector<node_id> orphaning;
  /// What the store says runs on this node.
  std::vector<run_key> running;
  /// Those of them that a client asked to end.
  std::vector<run_key> cancelled;
  /// Queues whose jobs are not claimed.
  std::vector<std::string> paused = {};
};

/// A live node with slots.
struct worker_info {
  node_id id = 0;
  node_info what;
  timestamp started_at;
  timestamp heartbeat_at;
  /// Jobs that the store says run there.
  int running = 0;
};

/// More workers than these are not told of.
inline constexpr int most_workers = 1'000;

/// A queue as it stands.
struct queue_info {
  std::string name;
  bool paused = false;
  /// When it was last paused or resumed; absent if it never was.
  std::optional<timestamp> changed_at = {};
  /// Live nodes that serve it.
  int workers = 0;
};

/// What a queue holds.
struct queue_stats {
  std::string queue;
  /// By status, in the order of `job_status`.
  std::array<std::int64_t, 5> jobs{};
  /// How long the first ready job has been ready; absent if none is.
  std::optional<seconds> oldest_ready = {};
  /// Of what live nodes started and ended lately.
  queue_times times{};
};

/// More queues than these are not told of.
inline constexpr int most_queues = 1'000;

/// What workers should start next, for those who ask whether they do.
struct queue_heads {
  /// A live node has slots.
  bool has_worker = false;
  /// The first ready job of each queue that a live node with a free slot takes, with its attempts so far. If
  /// there is no worker: only the first ready job of some queue.
  std::vector<run_key> jobs;

  friend bool operator==(const queue_heads&, const queue_heads&) = default;
};

struct ready_query {
  std::vector<std::string> queues;
  std::vector<std::string> types;
  /// Of each queue.
  int limit = 0;
};

struct promotion {
  std::vector<hint> hints;
  /// Until the next scheduled job is due; absent if none is scheduled. Zero if more are due now.
  std::optional<seconds> next_in;
};

/// Where the next call to `prune` goes on. Starts as it is made. What a store has walked to its end it may
/// leave absent until it has all: walks of different lengths would hardly ever end in the same step.
struct prune_cursor {
  std::optional<job_id> after = 0;
  /// Of the table of dedupe rows, by a store that walks it.
  std::optional<std::int64_t> dedupe_page = 0;
};

struct prune_report {
  prune_cursor next;
  std::int64_t jobs = 0;
  std::int64_t dedupe_rows = 0;
  /// True if the pass has been through all that may be old enough: rest before the next one.
  bool done = true;
};

/// Jobs that are accepted together or not at all.
struct submission {
  std::vector<job_spec> jobs;
  /// The client's Idempotency-Key: the same one within `idempotency_window` gets the first answer again.
  std::optional<std::string> key;
  /// Stands for the request in comparing: a hash of all that matters of it.
  std::string fingerprint;
};

inline constexpr seconds idempotency_window{24 * 3600.0};

/// Which jobs; what is absent does not matter.
struct job_filter {
  std::optional<job_status> status = {};
  std::optional<std::string> type = {};
  std::optional<std::string> queue = {};
  std::optional<std::int64_t> object_id = {};
  /// Not before.
  std::optional<timestamp> created_after = {};
};

struct page_request {
  job_filter filter;
  int limit = 50;
  /// Only jobs with smaller ids: where the page before this one ended.
  std::optional<job_id> before;
};

/// The newest first.
struct job_page {
  std::vector<job> jobs;
  /// For `before` of the next page; absent at the end. A page may hold fewer jobs than asked for, even none,
  /// and still have a next one: what one page looks through is bounded.
  std::optional<job_id> next;
};

/// A job whose status a call has changed, or that was asked to end.
struct job_change {
  job_id id = 0;
  std::int64_t object_id = 0;
  std::string type;
  std::string queue;
  int priority = 5;
  job_status status = job_status::created;
  attempt_no attempt = 0;
  /// Where it runs.
  std::optional<node_id> node = {};
};

struct expiry {
  std::vector<job_change> expired;
  /// Until the next job expires; absent if none will. Zero if more are due now.
  std::optional<seconds> next_in;
};

/// One attempt of a job.
struct attempt_record {
  attempt_no attempt = 0;
  std::optional<node_id> node;
  std::optional<timestamp> start_time;
  std::optional<timestamp> end_time;
  /// `running`, `success`, `failed`, `cancelled`, `released` (its node gave it up), `lost` (its node died),
  /// or `refused`: its outcome came when another attempt had the job already.
  std::string outcome;
  std::optional<std::string> message;
};

/// Why a job does not run now, as far as only the store knows.
struct explanation {
  job what;
  /// Ready jobs before it in its queue, counted up to `most_ahead`.
  std::int64_t ahead = 0;
  /// A live node takes its queue and type.
  bool has_worker = false;
  /// The job of the same type and object that it waits for (`object_limit`).
  std::optional<job_id> blocked_by;
  /// Its queue is.
  bool paused = false;
};

inline constexpr std::int64_t most_ahead = 1'000;

/// The contract that every store keeps (tests/contract runs over all of them).
///
/// Errors of every call: `ec::store_away` (nothing was written), `ec::store_uncertain` (the connection broke
/// after the commit was sent). After either the store is closed: `connect` opens it again. No call lasts
/// longer than the deadline that the store was made with, also on a half-open connection.
class store {
public:
  virtual ~store() = default;

  /// Opens the store. `ec::schema_old` if its schema is older than this program.
  [[nodiscard]] virtual expected<void> connect() = 0;

  /// Writes the whole batch in one durable transaction.
  ///
  /// - A finish is written if its job still runs on this node under this attempt. The same finish again gets
  ///   the same answer and changes nothing.
  /// - A finish of a job that was asked to end, and that would go back (retry, release), is a cancel, and
  ///   answered as `cancelled`.
  /// - A finish that is not the job's end (retry, release) leaves a record in its history, and so does one
  ///   that is stale, as `refused`; the first end of a job without any of these writes none.
  /// - A claim skips what has expired, and jobs of paused queues. A job with `object_limit` whose type and
  ///   object run already is not claimed; it is set aside (not ready) until that run ends, or for a few
  ///   seconds.
  /// - Of suspects (`lifecycle::is_suspect`) a claim returns one, and none while its node runs one. Two
  ///   claims of a node that are written at the same time may return one each.
  /// - A claim raises `attempt`, sets node and start_time, and skips what is locked. It returns at most
  ///   `limit` jobs, none if the node has no row.
  /// - A create with a dedupe window gets the id that stands for its (type, object_id), if one was accepted
  ///   less than the window ago; equal keys of one batch get one job.
  /// - A lost commit answer is resolved here if it can be (the batch holds only creates, and there is a
  ///   window): otherwise `ec::store_uncertain`.
  [[nodiscard]] virtual expected<batch_result> flush(const batch& b) = 0;

  /// The jobs of the given ids, in that order; nothing where there is no such job.
  [[nodiscard]] virtual expected<std::vector<std::optional<job>>> find(std::span<const job_id> ids) = 0;

  /// Accepts all jobs of a submission in one durable transaction, or none: one answer for each, in order.
  /// Dedupe as in `flush`. The same key again gives the first answer (also the same `duplicate`s);
  /// `ec::key_reused` if it came with another fingerprint. `ec::invalid` for a job that cannot be held names
  /// it as `jobs[3]`.
  [[nodiscard]] virtual expected<std::vector<created_job>> submit(const submission& s) = 0;

  /// One page of jobs, the newest first. Its cost does not grow with the number of jobs.
  [[nodiscard]] virtual expected<job_page> list(const page_request& q) = 0;

  /// Cancels those that are created, and marks those that run as asked to end (again, if they were already);
  /// leaves out all others.
  [[nodiscard]] virtual expected<std::vector<job_change>> cancel(std::span<const job_id> ids) = 0;
  /// Makes those that failed or were cancelled ready again, with no failures and recoveries counted and
  /// without an expiry; their last attempt goes to the history. Leaves out all others.
  [[nodiscard]] virtual expected<std::vector<job_change>> rerun(std::span<const job_id> ids) = 0;
  /// Fails at most `limit` jobs that were not started by their `expires_at`.
  [[nodiscard]] virtual expected<expiry> expire(int limit) = 0;

  /// All attempts of a job, the first first; `ec::not_found`.
  [[nodiscard]] virtual expected<std::vector<attempt_record>> history(job_id id) = 0;
  /// Each part by an index; `ec::not_found`.
  [[nodiscard]] virtual expected<explanation> explain(job_id id) = 0;

  /// Queues that are paused, that a live node serves, or that have ready jobs: the first `most_queues` of
  /// them by name.
  [[nodiscard]] virtual expected<std::vector<queue_info>> queues() = 0;
  /// From its return on no claim takes a job of the queue, or claims do so again; what runs goes on.
  [[nodiscard]] virtual expected<queue_info> pause(const std::string& queue, bool paused) = 0;

  /// How many jobs are in each queue that has any: the first `most_queues` by name. Counted as jobs move.
  [[nodiscard]] virtual expected<std::vector<queue_stats>> stats() = 0;
  /// Live nodes with slots: the first `most_workers` by id.
  [[nodiscard]] virtual expected<std::vector<worker_info>> workers() = 0;

  /// A new node with a fresh beat. Its id was never given out before.
  [[nodiscard]] virtual expected<node_id> register_node(const node_info& info) = 0;
  /// Renews the node's beat, keeps its `recent_times::text`, and tells what this node should know. One
  /// statement.
  [[nodiscard]] virtual expected<beat_report> beat(node_id node, const std::string& times = {}) = 0;
  /// Removes the node's row. Its runs, if any are left, are then orphans.
  [[nodiscard]] virtual expected<void> unregister_node(node_id node) = 0;
  /// Removes the node if its beat is still the one that it was seen with, and gives its running jobs back
  /// (also if it has no row any more), each with a record in its history; a job over
  /// `lifecycle::max_recoveries` fails instead, with the node as evidence, and one that was asked to end is
  /// cancelled. Returns what became of them.
  [[nodiscard]] virtual expected<std::vector<job_change>> rescue(const lease::suspect& dead) = 0;
  /// True if a node of this host has beaten within `lease::overdue_after`.
  [[nodiscard]] virtual expected<bool> host_is_alive(const std::string& host) = 0;

  /// Of queues that are not paused. Looks at the first `most` ready jobs of each. Each part by an index.
  [[nodiscard]] virtual expected<queue_heads> heads(int most) = 0;
  /// The first ready jobs of queues that are not paused, in queue order, for hints to be written again.
  [[nodiscard]] virtual expected<std::vector<hint>> ready_jobs(const ready_query& q) = 0;
  /// Turns at most `limit` due jobs ready.
  [[nodiscard]] virtual expected<promotion> promote(int limit) = 0;
  /// Removes a bounded number of finished jobs older than `retention` with their histories, and of dedupe and
  /// idempotency rows that have expired, and adds up what was counted.
  [[nodiscard]] virtual expected<prune_report> prune(prune_cursor from, seconds retention) = 0;
};

} // namespace jobd::storage
