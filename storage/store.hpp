#pragma once

#include "core/error.hpp"
#include "core/job.hpp"
#include "core/lease.hpp"
#include "core/lifecycle.hpp"

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
  /// Another attempt owns the job by now, or the job is gone: nothing was written.
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

/// What one flush writes: one transaction, in this order.
struct batch {
  std::vector<finish_request> finishes;
  std::vector<claim_request> claims;
  std::vector<job_spec> creates;

  [[nodiscard]] std::size_t size() const noexcept { return finishes.size() + claims.size() + creates.size(); }
};

/// One answer for each part of the batch, in its order.
struct batch_result {
  std::vector<finish_answer> finishes;
  std::vector<std::vector<claimed_job>> claims;
  /// `ec::invalid` for a job that the store cannot hold; the others of its batch are not touched by it.
  std::vector<expected<created_job>> creates;
};

/// A node as it introduces itself.
struct node_info {
  std::string host;
  int pid = 0;
  std::string version;
  int slots = 0;
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

/// Where the next call to `prune` goes on. Starts empty.
struct prune_cursor {
  job_id after = 0;
};

struct prune_report {
  prune_cursor next;
  std::int64_t jobs = 0;
  std::int64_t dedupe_rows = 0;
  /// True if the pass reached rows too young to prune: rest before the next one.
  bool done = true;
};

/// The contract that every store keeps (tests/contract/store.cpp runs over all of them).
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
  /// - A finish is written if its job still runs on this node under this attempt. The same finish again is
  ///   `accepted` and changes nothing.
  /// - A claim raises `attempt`, sets node and start_time, and skips what is locked. It returns at most
  /// `limit`
  ///   jobs, none if the node has no row.
  /// - A create with a dedupe window gets the id that stands for its (type, object_id), if one was accepted
  /// less
  ///   than the window ago; equal keys of one batch get one job.
  /// - A lost commit answer is resolved here if it can be (the batch holds only creates, and there is a
  /// window):
  ///   otherwise `ec::store_uncertain`.
  [[nodiscard]] virtual expected<batch_result> flush(const batch& b) = 0;

  /// The jobs of the given ids, in that order; nothing where there is no such job.
  [[nodiscard]] virtual expected<std::vector<std::optional<job>>> find(std::span<const job_id> ids) = 0;

  /// A new node with a fresh beat. Its id was never given out before.
  [[nodiscard]] virtual expected<node_id> register_node(const node_info& info) = 0;
  /// Renews the node's beat and tells what this node should know. One statement.
  [[nodiscard]] virtual expected<beat_report> beat(node_id node) = 0;
  /// Removes the node's row. Its runs, if any are left, are then orphans.
  [[nodiscard]] virtual expected<void> unregister_node(node_id node) = 0;
  /// Removes the node if its beat is still the one that it was seen with, and gives its running jobs back
  /// (also if it has no row any more); a job over `lifecycle::max_recoveries` fails instead, with the node as
  /// evidence. Returns what is ready again.
  [[nodiscard]] virtual expected<std::vector<hint>> rescue(const lease::suspect& dead) = 0;
  /// True if a node of this host has beaten within `lease::overdue_after`.
  [[nodiscard]] virtual expected<bool> host_is_alive(const std::string& host) = 0;

  /// The first ready jobs in queue order, for hints to be written again.
  [[nodiscard]] virtual expected<std::vector<hint>> ready_jobs(const ready_query& q) = 0;
  /// Turns at most `limit` due jobs ready.
  [[nodiscard]] virtual expected<promotion> promote(int limit) = 0;
  /// Removes a bounded number of finished jobs older than `retention`, and of dedupe rows that have expired.
  [[nodiscard]] virtual expected<prune_report> prune(prune_cursor from, seconds retention) = 0;
};

} // namespace jobd::storage
