"""Proves of a history that jobd kept its promises. Each function gives the faults that it found, each as one line."""

import collections
import dataclasses

FINAL = ('success', 'failed', 'cancelled')
# From a death to the next start, or to the end that the rescue gave the job.
RECOVERED_WITHIN = 15
# A process is killed with its worker, and what it had begun to write is there a moment later.
KILLED_WITHIN = 1
# A node that was stopped or cut off finds out by its next beat that it was given up: one every 2 s, and a call may
# take some seconds to fail.
NOTICED_WITHIN = 8
# What clients, handlers and the database read from the same clock is not read at the same moment.
SLACK = 0.2


@dataclasses.dataclass
class Verdict:
    faults: list
    accepted: int
    lost: int
    doubled: int
    refused: int
    # Seconds, sorted.
    recoveries: list


def check(h):
    lost = every_accepted_job_is_a_row(h) + every_job_is_final(h)
    doubled = each_attempt_has_one_outcome(h) + success_is_of_the_last_attempt(h)
    faults = (
        lost
        + doubled
        + what_is_final_stays(h)
        + one_id_in_a_window(h)
        + new_id_after_a_window(h)
        + nobody_works_after_the_end(h)
        + nobody_works_for_the_dead(h)
        + nobody_works_once_given_up(h)
        + recoveries_are_quick(h)
    )
    return Verdict(
        faults,
        len(accepted(h)),
        len(lost),
        len(doubled),
        sum(a['outcome'] == 'refused' for a in h.tables['job_attempts']),
        sorted(seconds for _, _, seconds in recoveries(h)),
    )


# -------------------------------------------------------------------------------- what was answered


def accepted(h):
    """The ids in answers to submissions."""
    return {e.answer['job_id'] for e in submissions(h)}


def submissions(h):
    return [e for e in h.exchanges if e.method == 'POST' and e.path == '/v1/jobs' and e.status in (200, 201)]


def every_accepted_job_is_a_row(h):
    there = {j['id'] for j in h.tables['jobs']}
    return [f'job {job} was accepted and is gone' for job in sorted(accepted(h) - there)]


def every_job_is_final(h):
    return [f'job {j["id"]} is {j["status"]}' for j in h.tables['jobs'] if j['status'] not in FINAL]


def what_is_final_stays(h):
    """A final status that a client has seen is the one at the end, unless somebody asked for a retry."""
    retried = {e.path.split('/')[3] for e in h.exchanges if e.path.endswith('/retry')}
    found = set()
    at_end = {j['id']: (j['status'], j['attempt']) for j in h.tables['jobs']}
    for e in h.exchanges:
        if e.status not in (200, 202) or not isinstance(e.answer, dict) or e.answer.get('status') not in FINAL:
            continue
        seen, job = (e.answer['status'], e.answer['attempt']), e.answer['id']
        if str(job) not in retried and at_end.get(job, seen) != seen:
            found.add(f'job {job} was {seen[0]} at attempt {seen[1]}, and then {at_end[job][0]} at {at_end[job][1]}')
    return sorted(found)


# -------------------------------------------------------------------------------- keys


def one_id_in_a_window(h):
    by_key = collections.defaultdict(list)
    for j in h.tables['jobs']:
        by_key[j['type'], j['object_id']].append(j)
    found = []
    for jobs in by_key.values():
        jobs.sort(key=lambda j: j['created_at'])
        for one, other in zip(jobs, jobs[1:]):
            apart = other['created_at'] - one['created_at']
            if apart < h.dedupe_window:
                found.append(f'jobs {one["id"]} and {other["id"]} have one key and are {apart:.3f} s apart')
    return found


def new_id_after_a_window(h):
    created = {j['id']: j['created_at'] for j in h.tables['jobs']}
    return [
        f'job {e.answer["job_id"]} stood for its key {e.sent - created[e.answer["job_id"]]:.3f} s after it was created'
        for e in submissions(h)
        if e.status == 200
        and e.sent - created.get(e.answer['job_id'], e.sent) > h.dedupe_window + SLACK
    ]


# -------------------------------------------------------------------------------- attempts


def outcomes(h):
    """What became of each attempt that was not its job's last one, or went back, by job and attempt."""
    found = collections.defaultdict(list)
    for a in h.tables['job_attempts']:
        if a['outcome'] != 'refused':
            found[a['job_id'], a['attempt']].append(a)
    return found


def each_attempt_has_one_outcome(h):
    found, seen = [], outcomes(h)
    for j in h.tables['jobs']:
        for attempt in range(1, j['attempt'] + 1):
            records = len(seen[j['id'], attempt])
            is_last = attempt == j['attempt']
            # The last one's outcome is the job's, unless it went back and nothing ran after it.
            if records > 1 or (not is_last and records == 0) or (is_last and records and j['status'] == 'success'):
                found.append(f'attempt {attempt} of job {j["id"]}, whose last is {j["attempt"]}, has {records} records')
    for (job, attempt), records in seen.items():
        last = next((j['attempt'] for j in h.tables['jobs'] if j['id'] == job), attempt)
        if attempt > last:
            found.append(f'attempt {attempt} of job {job}, whose last is {last}, has {len(records)} records')
    return found


def success_is_of_the_last_attempt(h):
    """Handlers give their attempt as the result, and write `end` before they do."""
    ended = {(w.job, w.attempt) for w in h.work if w.what == 'end'}
    found = []
    for j in h.tables['jobs']:
        if j['status'] != 'success' or not isinstance(j['result'], dict):
            continue
        by = j['result'].get('attempt')
        if by != j['attempt']:
            found.append(f'job {j["id"]} has the result of attempt {by}, and its last attempt is {j["attempt"]}')
        elif (j['id'], by) not in ended:
            found.append(f'job {j["id"]} has the result of attempt {by}, which has not ended')
    return found


def ends(h):
    """When each attempt was over, by the database, but those that were lost."""
    over = {}
    for j in h.tables['jobs']:
        if j['status'] in ('success', 'failed') and j['end_time'] and not outcomes_of(h, j):
            over[j['id'], j['attempt']] = j['end_time']
    for a in h.tables['job_attempts']:
        if a['outcome'] in ('failed', 'released'):
            over[a['job_id'], a['attempt']] = a['end_time']
    return over


def outcomes_of(h, job):
    return [
        a
        for a in h.tables['job_attempts']
        if a['job_id'] == job['id'] and a['attempt'] == job['attempt'] and a['outcome'] != 'refused'
    ]


def nobody_works_after_the_end(h):
    """An outcome is written once all processes of the attempt are gone."""
    over = ends(h)
    return [
        f'attempt {w.attempt} of job {w.job} did `{w.what}` {w.at - over[w.job, w.attempt]:.3f} s after its end'
        for w in h.work
        if w.at > over.get((w.job, w.attempt), w.at) + SLACK
    ]


def nobody_works_for_the_dead(h):
    killed = {pid: f.at for f in h.faults if f.what == 'SIGKILL' for pid in f.pids}
    return [
        f'attempt {w.attempt} of job {w.job} did `{w.what}` {w.at - killed[w.worker]:.3f} s after its worker was killed'
        for w in h.work
        if w.at > killed.get(w.worker, w.at) + KILLED_WITHIN
    ]


def nobody_works_once_given_up(h):
    """A node that was given up alive ends its runs as soon as it finds out, or can."""
    found = []
    for a in h.tables['job_attempts']:
        if a['outcome'] != 'lost':
            continue
        pid = h.nodes.get(a['node_id'])
        could = [f.until for f in h.faults if f.outage or pid in f.pids] + [a['end_time']]
        latest = max(could) + NOTICED_WITHIN + h.kill_grace
        found += [
            f'attempt {w.attempt} of job {w.job} did `{w.what}` {w.at - a["end_time"]:.3f} s after it was given up'
            for w in h.work
            if (w.job, w.attempt) == (a['job_id'], a['attempt']) and w.at > latest
        ]
    return found


# -------------------------------------------------------------------------------- recoveries


def recoveries(h):
    """Of each attempt that its node's death cost: job, attempt, and seconds from the death to the next start, or to
    the end that the job got instead. Time in which nobody could work does not count."""
    started = {(a['job_id'], a['attempt']): a['start_time'] for a in h.tables['job_attempts'] if a['start_time']}
    jobs = {j['id']: j for j in h.tables['jobs']}
    for j in jobs.values():
        if j['start_time']:
            started[j['id'], j['attempt']] = j['start_time']
    found = []
    for a in h.tables['job_attempts']:
        if a['outcome'] != 'lost':
            continue
        pid = h.nodes.get(a['node_id'])
        deaths = [f.at for f in h.faults if pid in f.pids and f.what in ('SIGKILL', 'SIGSTOP') and f.at < a['end_time']]
        if not deaths:
            continue
        again = started.get((a['job_id'], a['attempt'] + 1), a['end_time'])
        away = sum(
            max(0, min(f.until, again) - max(f.at, max(deaths))) for f in h.faults if f.outage
        )
        found.append((a['job_id'], a['attempt'], again - max(deaths) - away))
    return found


def recoveries_are_quick(h):
    return [
        f'job {job} ran again {seconds:.1f} s after the node of its attempt {attempt} died'
        for job, attempt, seconds in recoveries(h)
        if seconds > RECOVERED_WITHIN
    ]
