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
    # Results that came too late and were refused.
    refused: int
    # Seconds, sorted.
    recoveries: list


class Facts:
    """A history by what is looked for."""

    def __init__(self, h):
        self.h = h
        self.jobs = {j['id']: j for j in h.tables['jobs']}
        self.submissions = [
            e for e in h.exchanges if e.method == 'POST' and e.path == '/v1/jobs' and e.status in (200, 201)
        ]
        self.accepted = {e.answer['job_id'] for e in self.submissions}
        self.refused = [a for a in h.tables['job_attempts'] if a['outcome'] == 'refused']
        # What became of attempts that were not their job's last one, or went back, by job and attempt.
        self.records = collections.defaultdict(list)
        for a in h.tables['job_attempts']:
            if a['outcome'] != 'refused':
                self.records[a['job_id'], a['attempt']].append(a)
        # What was done, by job and attempt.
        self.work = collections.defaultdict(list)
        for w in h.work:
            self.work[w.job, w.attempt].append(w)

    def lost(self):
        """Attempts that their node's death ended, or that it was given up with."""
        return [a for records in self.records.values() for a in records if a['outcome'] == 'lost']


def check(h):
    facts = Facts(h)
    lost = every_accepted_job_is_a_row(facts) + every_job_is_final(facts)
    doubled = each_attempt_has_one_outcome(facts) + success_is_of_the_last_attempt(facts)
    others = (
        what_is_final_stays(facts)
        + one_id_in_a_window(facts)
        + new_id_after_a_window(facts)
        + nobody_works_after_the_end(facts)
        + nobody_works_for_the_dead(facts)
        + nobody_works_once_given_up(facts)
        + recoveries_are_quick(facts)
    )
    times = sorted(seconds for _, _, seconds in recoveries(facts))
    return Verdict(
        lost + doubled + others, len(facts.accepted), len(lost), len(doubled), len(facts.refused), times
    )


# -------------------------------------------------------------------------------- what was answered


def every_accepted_job_is_a_row(facts):
    return [f'job {job} was accepted and is gone' for job in sorted(facts.accepted - facts.jobs.keys())]


def every_job_is_final(facts):
    return [f'job {j["id"]} is {j["status"]}' for j in facts.jobs.values() if j['status'] not in FINAL]


def what_is_final_stays(facts):
    """A final status that a client has seen is the one at the end, unless somebody asked for a retry."""
    retried = {e.path.split('/')[3] for e in facts.h.exchanges if e.path.endswith('/retry')}
    found = set()
    for e in facts.h.exchanges:
        if (
            e.status not in (200, 202)
            or not isinstance(e.answer, dict)
            or e.answer.get('status') not in FINAL
        ):
            continue
        job, seen = e.answer['id'], (e.answer['status'], e.answer['attempt'])
        at_end = facts.jobs.get(job)
        if at_end and str(job) not in retried and (at_end['status'], at_end['attempt']) != seen:
            found.add(
                f'job {job} was {seen[0]} at attempt {seen[1]}, and then {at_end["status"]} at {at_end["attempt"]}'
            )
    return sorted(found)


# -------------------------------------------------------------------------------- keys


def one_id_in_a_window(facts):
    by_key = collections.defaultdict(list)
    for j in facts.jobs.values():
        by_key[j['type'], j['object_id']].append(j)
    found = []
    for jobs in by_key.values():
        jobs.sort(key=lambda j: j['created_at'])
        for one, other in zip(jobs, jobs[1:]):
            apart = other['created_at'] - one['created_at']
            # Microseconds as a float of seconds since 1970.
            if apart < facts.h.dedupe_window - 1e-5:
                found.append(f'jobs {one["id"]} and {other["id"]} have one key and are {apart:.3f} s apart')
    return found


def new_id_after_a_window(facts):
    found = []
    for e in facts.submissions:
        job = facts.jobs.get(e.answer['job_id'])
        if e.status == 200 and job and e.sent - job['created_at'] > facts.h.dedupe_window + SLACK:
            found.append(
                f'job {job["id"]} stood for its key {e.sent - job["created_at"]:.3f} s after it was created'
            )
    return found


# -------------------------------------------------------------------------------- attempts


def each_attempt_has_one_outcome(facts):
    found = []
    for j in facts.jobs.values():
        for attempt in range(1, j['attempt'] + 1):
            records = len(facts.records.get((j['id'], attempt), ()))
            # The last one's outcome is the job's own, unless it went back and nothing ran after it.
            is_last = attempt == j['attempt']
            well = records <= 1 if is_last and j['status'] != 'success' else records == (not is_last)
            if not well:
                found.append(
                    f'attempt {attempt} of job {j["id"]}, whose last is {j["attempt"]}, has {records} outcomes'
                )
    for job, attempt in facts.records:
        if job in facts.jobs and attempt > facts.jobs[job]['attempt']:
            found.append(f'attempt {attempt} of job {job} is after its last one')
    return found


def success_is_of_the_last_attempt(facts):
    """Handlers give their attempt as the result, and write `end` before they do."""
    found = []
    for j in facts.jobs.values():
        if j['status'] != 'success' or not isinstance(j['result'], dict):
            continue
        by = j['result'].get('attempt')
        if by != j['attempt']:
            found.append(
                f'job {j["id"]} has the result of attempt {by}, and its last attempt is {j["attempt"]}'
            )
        elif not any(w.what == 'end' for w in facts.work[j['id'], by]):
            found.append(f'job {j["id"]} has the result of attempt {by}, which has not ended')
    return found


def accepted_ends(facts):
    """When each attempt that was not lost was over, by the database; by job and attempt."""
    over = {
        (j['id'], j['attempt']): j['end_time']
        for j in facts.jobs.values()
        if j['status'] in FINAL and j['attempt'] and (j['id'], j['attempt']) not in facts.records
    }
    for key, records in facts.records.items():
        over.update((key, a['end_time']) for a in records if a['outcome'] != 'lost')
    return over


def nobody_works_after_the_end(facts):
    """An outcome is written once all processes of the attempt are gone."""
    return [
        f'attempt {w.attempt} of job {w.job} did `{w.what}` {w.at - end:.3f} s after its end'
        for key, end in accepted_ends(facts).items()
        for w in facts.work[key]
        if w.at > end + SLACK
    ]


def nobody_works_for_the_dead(facts):
    killed = {pid: f.at for f in facts.h.faults if f.what == 'SIGKILL' for pid in f.pids}
    return [
        f'attempt {w.attempt} of job {w.job} did `{w.what}` {w.at - killed[w.worker]:.3f} s after its worker was killed'
        for w in facts.h.work
        if w.at > killed.get(w.worker, w.at) + KILLED_WITHIN
    ]


def nobody_works_once_given_up(facts):
    """A node that was given up alive ends its runs as soon as it finds out, or can."""
    found = []
    for a in facts.lost():
        pid = facts.h.nodes.get(a['node_id'])
        could = [f.until for f in facts.h.faults if f.outage or pid in f.pids] + [a['end_time']]
        latest = max(could) + NOTICED_WITHIN + facts.h.kill_grace
        found += [
            f'attempt {w.attempt} of job {w.job} did `{w.what}` {w.at - a["end_time"]:.3f} s after it was given up'
            for w in facts.work[a['job_id'], a['attempt']]
            if w.at > latest
        ]
    return found


# -------------------------------------------------------------------------------- recoveries


def recoveries(facts):
    """Of each attempt that its node's silence cost: job, attempt, and seconds from then to the next start, or to the
    end that the job got instead. They count from the end of an outage, if there was one meanwhile."""
    outages = [f for f in facts.h.faults if f.outage]
    silences = collections.defaultdict(list)
    for f in facts.h.faults:
        for pid in f.pids:
            silences[pid].append(f.at)
    found = []
    for a in facts.lost():
        began = [at for at in silences[facts.h.nodes.get(a['node_id'])] if at < a['end_time']]
        if not began:
            continue
        again = started(facts, a['job_id'], a['attempt'] + 1) or a['end_time']
        since = max(began + [f.until for f in outages if f.until > max(began) and f.at < again])
        found.append((a['job_id'], a['attempt'], max(0, again - since)))
    return found


def started(facts, job, attempt):
    """When; None if it never was."""
    row = facts.jobs.get(job)
    if row and row['attempt'] == attempt and row['start_time']:
        return row['start_time']
    return next((a['start_time'] for a in facts.records.get((job, attempt), ()) if a['start_time']), None)


def recoveries_are_quick(facts):
    return [
        f'job {job} ran again {seconds:.1f} s after the node of its attempt {attempt} fell silent'
        for job, attempt, seconds in recoveries(facts)
        if seconds > RECOVERED_WITHIN
    ]
