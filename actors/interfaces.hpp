#pragma once

#include "actors/event_stream.hpp"
#include "core/error.hpp"
#include "core/job.hpp"
#include "core/job_event.hpp"
#include "core/lease.hpp"
#include "queue/job_queue.hpp"
#include "storage/store.hpp"

#include <caf/allowed_unsafe_message_type.hpp>
#include <caf/error.hpp>
#include <caf/replies_to.hpp>
#include <caf/type_id.hpp>
#include <caf/typed_actor.hpp>

#include <chrono>
#include <optional>
#include <string>
#include <vector>

/// All actors of jobd, as the messages they understand. Messages never leave the process, so they need no
/// serialisation (`CAF_ALLOW_UNSAFE_MESSAGE_TYPE`).
namespace jobd::actors {

using hints = std::vector<hint>;
using claimed_jobs = std::vector<claimed_job>;
using job_specs = std::vector<job_spec>;
using created_jobs = std::vector<expected<created_job>>;
using finish_requests = std::vector<storage::finish_request>;
using finish_answers = std::vector<storage::finish_answer>;
using found_jobs = std::vector<std::optional<job>>;
using job_ids = std::vector<job_id>;
using run_keys = std::vector<run_key>;
using job_events = std::vector<job_event>;
using job_changes = std::vector<storage::job_change>;
using submitted = std::vector<created_job>;
using queue_names = std::vector<std::string>;
using worker_infos = std::vector<storage::worker_info>;
using all_stats = std::vector<storage::queue_stats>;
using queue_infos = std::vector<storage::queue_info>;
using attempt_records = std::vector<storage::attempt_record>;
using messages = std::vector<queue::message>;
using suspects = std::vector<lease::suspect>;
using steady_time = std::chrono::steady_clock::time_point;

/// What a cancel or a retry by filter did.
struct bulk_report {
  /// Jobs whose status it changed.
  int changed = 0;
  /// Running jobs that it asked to end.
  int asked = 0;
  /// Where the next page goes on; absent at the end.
  std::optional<job_id> next;
};

/// Whether this process is of use now.
struct readiness {
  struct reason {
    std::string code;
    std::string detail;
  };
  bool database = true;
  /// False: ready jobs wait, and none was started for a while, though live workers have free slots for them
  /// or there are no workers. Absent if it cannot be told.
  std::optional<bool> progress;
  /// Empty if it is.
  std::vector<reason> reasons;
};

} // namespace jobd::actors

// The one block of type ids. An atom's text has at most 10 characters.
CAF_BEGIN_TYPE_ID_BLOCK(jobd, caf::first_custom_type_id)
CAF_ADD_TYPE_ID(jobd, (jobd::job_spec))
CAF_ADD_TYPE_ID(jobd, (jobd::created_job))
CAF_ADD_TYPE_ID(jobd, (jobd::job))
CAF_ADD_TYPE_ID(jobd, (jobd::run_key))
CAF_ADD_TYPE_ID(jobd, (jobd::actors::run_keys))
CAF_ADD_TYPE_ID(jobd, (jobd::actors::hints))
CAF_ADD_TYPE_ID(jobd, (jobd::actors::claimed_jobs))
CAF_ADD_TYPE_ID(jobd, (jobd::actors::found_jobs))
CAF_ADD_TYPE_ID(jobd, (jobd::actors::job_ids))
CAF_ADD_TYPE_ID(jobd, (jobd::actors::job_events))
CAF_ADD_TYPE_ID(jobd, (jobd::actors::job_changes))
CAF_ADD_TYPE_ID(jobd, (jobd::actors::submitted))
CAF_ADD_TYPE_ID(jobd, (jobd::actors::attempt_records))
CAF_ADD_TYPE_ID(jobd, (jobd::actors::messages))
CAF_ADD_TYPE_ID(jobd, (jobd::actors::bulk_report))
CAF_ADD_TYPE_ID(jobd, (jobd::actors::readiness))
CAF_ADD_TYPE_ID(jobd, (jobd::actors::event_subscription))
CAF_ADD_TYPE_ID(jobd, (jobd::queue::stream))
CAF_ADD_TYPE_ID(jobd, (jobd::actors::suspects))
CAF_ADD_TYPE_ID(jobd, (jobd::actors::steady_time))
CAF_ADD_TYPE_ID(jobd, (jobd::lease::suspect))
CAF_ADD_TYPE_ID(jobd, (jobd::actors::job_specs))
CAF_ADD_TYPE_ID(jobd, (jobd::actors::created_jobs))
CAF_ADD_TYPE_ID(jobd, (jobd::actors::finish_requests))
CAF_ADD_TYPE_ID(jobd, (jobd::actors::finish_answers))
CAF_ADD_TYPE_ID(jobd, (jobd::storage::claim_request))
CAF_ADD_TYPE_ID(jobd, (jobd::storage::progress_update))
CAF_ADD_TYPE_ID(jobd, (jobd::storage::batch))
CAF_ADD_TYPE_ID(jobd, (jobd::storage::batch_result))
CAF_ADD_TYPE_ID(jobd, (jobd::storage::ready_query))
CAF_ADD_TYPE_ID(jobd, (jobd::storage::promotion))
CAF_ADD_TYPE_ID(jobd, (jobd::storage::prune_cursor))
CAF_ADD_TYPE_ID(jobd, (jobd::storage::prune_report))
CAF_ADD_TYPE_ID(jobd, (jobd::storage::submission))
CAF_ADD_TYPE_ID(jobd, (jobd::storage::page_request))
CAF_ADD_TYPE_ID(jobd, (jobd::storage::job_page))
CAF_ADD_TYPE_ID(jobd, (jobd::storage::expiry))
CAF_ADD_TYPE_ID(jobd, (jobd::storage::explanation))
CAF_ADD_TYPE_ID(jobd, (jobd::storage::queue_info))
CAF_ADD_TYPE_ID(jobd, (jobd::actors::queue_infos))
CAF_ADD_TYPE_ID(jobd, (jobd::actors::all_stats))
CAF_ADD_TYPE_ID(jobd, (jobd::actors::worker_infos))
CAF_ADD_TYPE_ID(jobd, (jobd::storage::queue_heads))
CAF_ADD_ATOM(jobd, jobd::actors::atom, create, "create")
CAF_ADD_ATOM(jobd, jobd::actors::atom, find, "find")
CAF_ADD_ATOM(jobd, jobd::actors::atom, claim, "claim")
CAF_ADD_ATOM(jobd, jobd::actors::atom, finish, "finish")
CAF_ADD_ATOM(jobd, jobd::actors::atom, progress, "progress")
CAF_ADD_ATOM(jobd, jobd::actors::atom, cancel, "cancel")
CAF_ADD_ATOM(jobd, jobd::actors::atom, ready, "ready")
CAF_ADD_ATOM(jobd, jobd::actors::atom, promote, "promote")
CAF_ADD_ATOM(jobd, jobd::actors::atom, rescue, "rescue")
CAF_ADD_ATOM(jobd, jobd::actors::atom, prune, "prune")
CAF_ADD_ATOM(jobd, jobd::actors::atom, connect, "connect")
CAF_ADD_ATOM(jobd, jobd::actors::atom, flush, "flush")
CAF_ADD_ATOM(jobd, jobd::actors::atom, push, "push")
CAF_ADD_ATOM(jobd, jobd::actors::atom, publish, "publish")
CAF_ADD_ATOM(jobd, jobd::actors::atom, pop, "pop")
CAF_ADD_ATOM(jobd, jobd::actors::atom, size, "size")
CAF_ADD_ATOM(jobd, jobd::actors::atom, stop, "stop")
CAF_ADD_ATOM(jobd, jobd::actors::atom, told, "told")
CAF_ADD_ATOM(jobd, jobd::actors::atom, joined, "joined")
CAF_ADD_ATOM(jobd, jobd::actors::atom, beaten, "beaten")
CAF_ADD_ATOM(jobd, jobd::actors::atom, beat, "beat")
CAF_ADD_ATOM(jobd, jobd::actors::atom, leave, "leave")
CAF_ADD_ATOM(jobd, jobd::actors::atom, judge, "judge")
CAF_ADD_ATOM(jobd, jobd::actors::atom, due, "due")
CAF_ADD_ATOM(jobd, jobd::actors::atom, run_once, "run once")
CAF_ADD_ATOM(jobd, jobd::actors::atom, wake, "wake")
CAF_ADD_ATOM(jobd, jobd::actors::atom, look, "look")
CAF_ADD_ATOM(jobd, jobd::actors::atom, submit, "submit")
CAF_ADD_ATOM(jobd, jobd::actors::atom, list, "list")
CAF_ADD_ATOM(jobd, jobd::actors::atom, retry, "retry")
CAF_ADD_ATOM(jobd, jobd::actors::atom, expire, "expire")
CAF_ADD_ATOM(jobd, jobd::actors::atom, history, "history")
CAF_ADD_ATOM(jobd, jobd::actors::atom, explain, "explain")
CAF_ADD_ATOM(jobd, jobd::actors::atom, queues, "queues")
CAF_ADD_ATOM(jobd, jobd::actors::atom, pause, "pause")
CAF_ADD_ATOM(jobd, jobd::actors::atom, stats, "stats")
CAF_ADD_ATOM(jobd, jobd::actors::atom, workers, "workers")
CAF_ADD_ATOM(jobd, jobd::actors::atom, attend, "attend")
CAF_ADD_ATOM(jobd, jobd::actors::atom, read, "read")
CAF_ADD_ATOM(jobd, jobd::actors::atom, heard, "heard")
CAF_ADD_ATOM(jobd, jobd::actors::atom, await, "await")
CAF_ADD_ATOM(jobd, jobd::actors::atom, watch, "watch")
CAF_ADD_ATOM(jobd, jobd::actors::atom, measure, "measure")
CAF_END_TYPE_ID_BLOCK(jobd)

CAF_ALLOW_UNSAFE_MESSAGE_TYPE(jobd::job_spec)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(jobd::created_job)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(jobd::job)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(jobd::run_key)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(jobd::actors::run_keys)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(jobd::actors::hints)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(jobd::actors::claimed_jobs)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(jobd::actors::found_jobs)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(jobd::actors::job_events)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(jobd::actors::job_changes)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(jobd::actors::submitted)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(jobd::actors::attempt_records)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(jobd::actors::messages)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(jobd::actors::bulk_report)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(jobd::actors::readiness)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(jobd::actors::event_subscription)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(jobd::actors::suspects)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(jobd::actors::steady_time)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(jobd::lease::suspect)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(jobd::actors::job_specs)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(jobd::actors::created_jobs)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(jobd::actors::finish_requests)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(jobd::actors::finish_answers)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(jobd::storage::claim_request)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(jobd::storage::progress_update)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(jobd::storage::batch)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(jobd::storage::batch_result)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(jobd::storage::ready_query)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(jobd::storage::promotion)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(jobd::storage::prune_cursor)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(jobd::storage::prune_report)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(jobd::storage::submission)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(jobd::storage::page_request)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(jobd::storage::job_page)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(jobd::storage::expiry)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(jobd::storage::explanation)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(jobd::storage::queue_info)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(jobd::actors::queue_infos)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(jobd::actors::all_stats)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(jobd::actors::worker_infos)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(jobd::storage::queue_heads)
CAF_ERROR_CODE_ENUM(jobd::ec, "jobd")

namespace jobd::actors {

/// A CONNECTION actor (detached): owns one `store`, and is the only one that waits for it. After
/// `ec::store_away` or `ec::store_uncertain` its store is closed and whoever spawned it replaces it.
using connection_actor = caf::typed_actor<
    // Opens the store.
    caf::reacts_to<atom::connect>,
    // Writes a batch in one transaction.
    caf::replies_to<atom::flush, storage::batch>::with<storage::batch_result>,
    // Reads jobs by id.
    caf::replies_to<atom::find, job_ids>::with<found_jobs>,
    // One call of the store each.
    caf::replies_to<atom::submit, storage::submission>::with<submitted>,
    caf::replies_to<atom::list, storage::page_request>::with<storage::job_page>,
    caf::replies_to<atom::cancel, job_ids>::with<job_changes>,
    caf::replies_to<atom::retry, job_ids>::with<job_changes>,
    caf::replies_to<atom::history, job_id>::with<attempt_records>,
    caf::replies_to<atom::explain, job_id>::with<storage::explanation>,
    caf::replies_to<atom::queues>::with<queue_infos>,
    caf::replies_to<atom::pause, std::string, bool>::with<storage::queue_info>,
    caf::replies_to<atom::workers>::with<worker_infos>, caf::replies_to<atom::stats>::with<all_stats>,
    caf::replies_to<atom::expire, int>::with<storage::expiry>,
    caf::replies_to<atom::ready, storage::ready_query>::with<hints>,
    caf::replies_to<atom::ready, int>::with<storage::queue_heads>,
    caf::replies_to<atom::promote, int>::with<storage::promotion>,
    caf::replies_to<atom::rescue, lease::suspect>::with<job_changes>,
    caf::replies_to<atom::prune, storage::prune_cursor>::with<storage::prune_report>>;

/// A request to storage is written whole, with one batch. Who asks for several things at once keeps it small
/// beside a batch: so many of them, or so much text, whichever comes first.
inline constexpr std::size_t request_items = 100;
inline constexpr std::size_t request_bytes = 1 << 20;

/// The STORAGE actor: owns the connections and replaces broken ones. What arrives while they are busy goes to
/// the next idle one as one batch, which is one transaction.
///
/// Every request may end in `ec::store_away` (nothing was written) or `ec::store_uncertain`; what clients ask
/// for waits out a short outage first.
using storage_actor = caf::typed_actor<
    // Stores new jobs, or finds those that stand for their keys; an answer for each.
    caf::replies_to<atom::create, job_specs>::with<created_jobs>,
    // Reads a job; `ec::not_found`.
    caf::replies_to<atom::find, job_id>::with<job>,
    // Reads jobs; nothing where there is none.
    caf::replies_to<atom::find, job_ids>::with<found_jobs>,
    // Accepts jobs together.
    caf::replies_to<atom::submit, storage::submission>::with<submitted>,
    // Reads a page of jobs.
    caf::replies_to<atom::list, storage::page_request>::with<storage::job_page>,
    // Cancels jobs, or asks for their end; tells which.
    caf::replies_to<atom::cancel, job_ids>::with<job_changes>,
    // Makes jobs ready again that have failed or were cancelled; tells which.
    caf::replies_to<atom::retry, job_ids>::with<job_changes>,
    // Reads a job's attempts.
    caf::replies_to<atom::history, job_id>::with<attempt_records>,
    // Looks up why a job does not run.
    caf::replies_to<atom::explain, job_id>::with<storage::explanation>,
    // Reads the queues.
    caf::replies_to<atom::queues>::with<queue_infos>,
    // Pauses a queue, or resumes it.
    caf::replies_to<atom::pause, std::string, bool>::with<storage::queue_info>,
    // Reads the live nodes that run jobs.
    caf::replies_to<atom::workers>::with<worker_infos>,
    // Reads how many jobs are in each queue.
    caf::replies_to<atom::stats>::with<all_stats>,
    // Fails at most so many jobs that were not started in time.
    caf::replies_to<atom::expire, int>::with<storage::expiry>,
    // Takes jobs for a node.
    caf::replies_to<atom::claim, storage::claim_request>::with<claimed_jobs>,
    // Ends attempts, each if it still is its job's; an answer for each. All in one transaction, or none.
    caf::replies_to<atom::finish, finish_requests>::with<finish_answers>,
    // Writes what a run tells of itself, if it can; of one run only the newest.
    caf::reacts_to<atom::progress, storage::progress_update>,
    // Reads the first ready jobs.
    caf::replies_to<atom::ready, storage::ready_query>::with<hints>,
    // Reads what workers should start next, among so many jobs of each queue.
    caf::replies_to<atom::ready, int>::with<storage::queue_heads>,
    // Turns at most so many due jobs ready.
    caf::replies_to<atom::promote, int>::with<storage::promotion>,
    // Gives back what a dead node ran.
    caf::replies_to<atom::rescue, lease::suspect>::with<job_changes>,
    // Removes what is old.
    caf::replies_to<atom::prune, storage::prune_cursor>::with<storage::prune_report>,
    // From itself: looks after connections and after requests that have waited too long.
    caf::reacts_to<atom::wake>>;

/// The JOB MANAGER actor: what clients ask for. It validates, has it stored, and tells the queue what is
/// ready, what is to end, and what happened. It answers as soon as it is on disk.
using job_manager_actor = caf::typed_actor<
    // Accepts jobs, each for itself; `ec::invalid` names the field.
    caf::replies_to<atom::create, job_specs>::with<created_jobs>,
    // Accepts jobs together, or none; `ec::invalid` names the field as `jobs[3].type`.
    caf::replies_to<atom::submit, storage::submission>::with<submitted>,
    // Reads a job; `ec::not_found`.
    caf::replies_to<atom::find, job_id>::with<job>,
    // Reads a job when it is final, or the time is over; `ec::not_found`.
    caf::replies_to<atom::await, job_id, std::chrono::milliseconds>::with<job>,
    // Reads a page of jobs.
    caf::replies_to<atom::list, storage::page_request>::with<storage::job_page>,
    // Cancels a job, or asks for its end; the job as it is then. `ec::not_found`, `ec::conflict`.
    caf::replies_to<atom::cancel, job_id>::with<job>,
    // The same for all jobs of a page.
    caf::replies_to<atom::cancel, storage::page_request>::with<bulk_report>,
    // Makes a job ready again; the job as it is then. `ec::not_found`, `ec::conflict`.
    caf::replies_to<atom::retry, job_id>::with<job>,
    caf::replies_to<atom::retry, storage::page_request>::with<bulk_report>,
    // Reads a job's attempts; `ec::not_found`.
    caf::replies_to<atom::history, job_id>::with<attempt_records>,
    // Looks up why a job does not run; `ec::not_found`.
    caf::replies_to<atom::explain, job_id>::with<storage::explanation>,
    // Reads the queues.
    caf::replies_to<atom::queues>::with<queue_infos>,
    // Pauses a queue, or resumes it. Workers hear of it by their beat; no claim is made from the answer on.
    caf::replies_to<atom::pause, std::string, bool>::with<storage::queue_info>,
    // Reads the live nodes that run jobs.
    caf::replies_to<atom::workers>::with<worker_infos>,
    // Reads how many jobs are in each queue.
    caf::replies_to<atom::stats>::with<all_stats>,
    // Adds a reader of events.
    caf::reacts_to<atom::watch, event_subscription>>;

/// The WATCH actor: knows who waits for jobs and who reads events. It hears events from the queue, however
/// many wait; while it does not, it looks all of them up in one query, again and again.
using watch_actor = caf::typed_actor<
    // Answers when the job is final, or the time is over; `ec::not_found`.
    caf::replies_to<atom::await, job_id, std::chrono::milliseconds>::with<job>,
    // Adds a reader.
    caf::reacts_to<atom::watch, event_subscription>,
    // From the listener: new messages of the stream.
    caf::reacts_to<atom::heard, messages>,
    // From the listener: from now on it hears everything, or nothing.
    caf::reacts_to<atom::heard, bool>,
    // From itself: looks after times.
    caf::reacts_to<atom::wake>>;

/// The LISTENER actor (detached): reads one stream of the queue on a connection of its own, and hands on what
/// it hears.
using listener_actor = caf::typed_actor<caf::reacts_to<atom::run_once>>;

/// The INSPECTOR actor: tells operators how this process does.
using inspector_actor = caf::typed_actor<
    // All metrics as text, within a second or so, whoever is away.
    caf::replies_to<atom::measure>::with<std::string>,
    // Whether it is ready, as it was some seconds ago at most.
    caf::replies_to<atom::ready>::with<readiness>>;

/// The QUEUE actor (detached): writes hints and news, all that have arrived in one go. What cannot be written
/// is dropped: hints are written again by the hinter, the rest is seen later by those who look.
using queue_actor =
    caf::typed_actor<caf::reacts_to<atom::push, hints>,
                     // Tells those who watch what happened.
                     caf::reacts_to<atom::publish, job_events>,
                     // Tells workers which runs are to end.
                     caf::reacts_to<atom::cancel, run_keys>,
                     // Has events written for so long; `ec::queue_away`.
                     caf::replies_to<atom::attend, std::chrono::milliseconds>::with<caf::unit_t>,
                     // Events after an id, at once. `ec::queue_away`, `ec::invalid`.
                     caf::replies_to<atom::read, std::string>::with<messages>,
                     // How many hints a queue holds; `ec::queue_away`.
                     caf::replies_to<atom::size, std::string>::with<std::int64_t>,
                     // From itself: writes what has arrived.
                     caf::reacts_to<atom::flush>>;

/// The FETCHER actor (detached): waits for hints on a connection of its own.
using fetcher_actor = caf::typed_actor<
    // Takes at most so many from the first of these queues that has any; none after a short wait.
    // `ec::queue_away`.
    caf::replies_to<atom::pop, int, queue_names>::with<hints>>;

/// The WORKER POOL actor: reserves no more jobs than `prefetch`, claims when a slot is free, has each
/// job run, ends what runs out of its time or is cancelled, holds outcomes until storage has taken them, and
/// publishes what happens to its jobs.
using worker_pool_actor = caf::typed_actor<
    // From the node: it has an id, first or anew. Runs under an older id are lost.
    caf::reacts_to<atom::joined, node_id, steady_time>,
    // From the node: its beat of that time was renewed, this is what the store says runs here, and those of
    // them that are to end.
    caf::reacts_to<atom::beaten, run_keys, run_keys, steady_time>,
    // From the node: these queues are paused. All others are not.
    caf::reacts_to<atom::pause, queue_names>,
    // Clients asked for the end of these, wherever they run; attempt 0 is whichever attempt runs. What does
    // not run here does not matter, nor does asking again.
    caf::reacts_to<atom::cancel, run_keys>,
    // From the executor: there are reports of runs to take.
    caf::reacts_to<atom::told>,
    // From itself: timeouts, leases, outcomes to write again.
    caf::reacts_to<atom::wake>,
    // From itself: writes what has ended meanwhile, and looks for work.
    caf::reacts_to<atom::look>,
    // Gives back what has not started, lets the rest run for the grace, gives back what is left, and answers
    // when nothing is left to write: with how many running jobs it gave back.
    caf::replies_to<atom::stop>::with<int>>;

/// The NODE actor (detached): registers the process, renews its beat on a connection of its own, and hands
/// the answer to the pool and to the rescuer.
using node_actor = caf::typed_actor<caf::reacts_to<atom::beat>,
                                    // Takes the node's row away, so that nobody has to find it dead.
                                    caf::reacts_to<atom::leave>>;

/// The RESCUER actor: judges overdue nodes and gives back what the dead ones ran.
using rescuer_actor = caf::typed_actor<
    // From the node: what its own beat of that time returned (overdue nodes, nodes without a row). Beats are
    // sent at least `beat_every` apart, however late their answers are, so judging by that time needs no beat
    // more than it must.
    caf::reacts_to<atom::judge, suspects, suspects, steady_time>>;

/// The HINTER actor: writes the hints of the first ready jobs again.
using hinter_actor =
    caf::typed_actor<caf::reacts_to<atom::run_once>,
                     // From the pool: its queues are empty. Runs at once if the last pass found ready jobs.
                     caf::reacts_to<atom::wake>,
                     // From itself: the last pass found more than it may write, and some of that is used up
                     // now.
                     caf::reacts_to<atom::look>>;

/// The PROMOTER actor: turns scheduled jobs ready at their time.
using promoter_actor = caf::typed_actor<caf::reacts_to<atom::run_once>,
                                        // A job is due in so many milliseconds.
                                        caf::reacts_to<atom::due, std::chrono::milliseconds>>;

/// The EXPIRER actor: fails jobs that were not started in time.
using expirer_actor = caf::typed_actor<caf::reacts_to<atom::run_once>,
                                       // A job expires in so many milliseconds.
                                       caf::reacts_to<atom::due, std::chrono::milliseconds>>;

/// The PRUNER actor: removes finished jobs after their retention, and expired dedupe rows.
using pruner_actor = caf::typed_actor<caf::reacts_to<atom::run_once>>;

} // namespace jobd::actors
