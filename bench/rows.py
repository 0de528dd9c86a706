"""The rows of the table; docs/performance.md says what each of them means."""

import dataclasses
import json
import os
import random
import sqlite3
import time

from . import limits, load
from .ground import Ground, within

# jobd and the limit take turns, and the turn with the middle ratio counts: the machine is not the same every minute.
ROUNDS = 3
# Jobs that do nothing need more than the eight at a time that suit real ones.
DRAINING = {'JOB_CONCURRENCY': 1000, 'JOB_PREFETCH': 4000}
# Each part has an index of its own, however long the history is.
UNFINISHED = """
select exists (select from jobs where status = 'created' and ready)
  or exists (select from jobs where status = 'running')
  or exists (select from jobs where status = 'created' and not ready)"""
# Of the first jobs that ended, from the first claim.
DRAIN_RATE = """
select count(*) / extract(epoch from max(end_time) - min(start_time))
from (
  select start_time, end_time from jobs where id >= {first} and start_time >= '{since}' order by end_time limit {jobs}
) ended"""
# The next job that a worker takes, where all have the same queue and priority.
FIRST_READY = """
select coalesce((
  select id from jobs where status = 'created' and ready order by queue, priority, id limit 1), 1e18)"""


@dataclasses.dataclass
class Figure:
    """One line of the table. `limit` is what jobd's figure is held against. None where there is nothing."""

    row: str
    what: str
    unit: str
    jobd: float | None
    limit: float | None = None
    rivals: dict = dataclasses.field(default_factory=dict)


@dataclasses.dataclass
class Size:
    """How much is done; `scale` 1 is the real benchmark."""

    scale: float

    def seconds(self, full):
        return max(1, round(full * self.scale))

    def jobs(self, full):
        """Whole thousands."""
        return max(1000, int(full * self.scale) // 1000 * 1000)

    def number(self, full):
        return max(10, int(full * self.scale))


class Rows:
    """Runs rows, and counts in `final` the jobs that were found final. Row 4 needs what 1 and 3 found."""

    def __init__(self, ground, size, constant, paced):
        self.ground, self.size, self.constant, self.paced = ground, size, constant, paced
        self.submit_peak = self.drain_peak = None
        self.final = 0

    def run(self, row):
        return getattr(self, f'row_{row}')()

    # ---------------------------------------------------------------------------- 1, 2, 3

    def row_1(self):
        self.ground.fresh()
        api = self.ground.api()
        with limits.Constant(self.constant, self.ground) as constant:
            rounds = [
                (
                    self._submit(api.port, n * 10**10, seconds=8),
                    load.wrk(constant.port, self.size.seconds(5), 0),
                )
                for n in range(ROUNDS)
            ]
        (peak, *_), limit = middle(rounds, lambda one: rate_of(one[0][0]) / rate_of(one[1]))
        answered, unanswered = (sum(submitted[i] for submitted, _ in rounds) for i in (1, 2))
        self.submit_peak = rate_of(peak)
        # Twice what the kernel lets pass before it writes to the disk what it was given, which others then wait for.
        half, seconds = self.submit_peak / 2, self.size.seconds(60)
        # But what the peak has left to write is no part of it.
        os.sync()
        times = load.paced(self.paced, api.port, half, seconds, 10**12)
        after = [memory('1', 'the API', api), self._hint_bytes()]
        self._all_final(answered + len(times), unanswered)

        with limits.Constant(self.constant, self.ground) as constant:
            own = load.paced(self.paced, constant.port, half, self.size.seconds(20), 0)
        return [
            Figure('1', 'submit, one job a request', 'jobs/s', self.submit_peak, rate_of(limit)),
            Figure('1', 'p50 at the peak', 'ms', peak['p50'], limit['p50']),
            Figure('1', 'p99 at the peak', 'ms', peak['p99'], limit['p99']),
            Figure('1', 'p50 at half the peak', 'ms', load.percentile(times, 50), load.percentile(own, 50)),
            Figure('1', 'p99 at half the peak', 'ms', load.percentile(times, 99), load.percentile(own, 99)),
            *after,
        ]

    def _submit(self, port, first_object=0, seconds=20, **options):
        """wrk's figures, and of the warm-up, too, the jobs answered and those that may be there beside them."""
        warm = load.wrk(port, 1, first_object, **options)
        peak = load.wrk(port, self.size.seconds(seconds), first_object + 10**9, **options)
        return peak, warm['jobs'] + peak['jobs'], warm['unanswered'] + peak['unanswered']

    def _hint_bytes(self):
        key = 'jobd:{default}:ready'
        hints = int(self.ground.redis('zcard', key))
        used = int(self.ground.redis('memory', 'usage', key, 'samples', '0') or 0)
        return Figure('1', 'Redis for each ready job', 'bytes', used / max(hints, 1))

    def row_2(self):
        self.ground.fresh()
        api = self.ground.api()
        peak, answered, unanswered = self._submit(api.port, seconds=10, batch=1000, connections=4)
        after = memory('2', 'the API', api)
        self._all_final(answered, unanswered)
        limit = limits.submit_batches(self.ground, self.size.seconds(10))
        return [
            Figure('2', 'submit, 1,000 jobs a request', 'jobs/s', rate_of(peak), limit),
            Figure('2', 'p99 of a request', 'ms', peak['p99']),
            after,
        ]

    def row_3(self):
        jobs = self.size.jobs(200_000)
        rounds = []
        for _ in range(ROUNDS):
            self.ground.fresh()
            self._seed(jobs)
            limit = limits.drain(self.ground, jobs)
            self.ground.fresh()
            self._seed(jobs)
            worker = self.ground.worker(**DRAINING)
            self._all_final(jobs)
            rounds.append((drain_rate(self.ground, jobs), limit))
        self.drain_peak, limit = middle(rounds, lambda one: one[0] / one[1])
        return [
            Figure('3', f'drain {jobs:,} jobs that do nothing', 'jobs/s', self.drain_peak, limit),
            memory('3', 'the worker', worker),
        ]

    def _seed(self, jobs, more='', values='', ground=None):
        """Jobs that nobody has submitted, for rows that are not about submitting, with the hints of an API."""
        ground = ground or self.ground
        self._fill(ground, jobs, more, values)
        last = int(ground.number('select max(id) from jobs'))
        script = "for id = ARGV[1], ARGV[2] do redis.call('zadd', KEYS[1], 5 * 2^48 + id, id) end"
        ground.redis('eval', script, '1', 'jobd:{default}:ready', str(last - jobs + 1), str(last))

    @staticmethod
    def _fill(ground, jobs, more, values):
        ground.sql(f'insert into jobs (object_id{more}) select n{values} from generate_series(1, {jobs}) n')
        settle(ground)

    # ---------------------------------------------------------------------------- 4, 5

    def row_4(self):
        rate, seconds = 0.7 * min(self.submit_peak, self.drain_peak), self.size.seconds(60)
        self.ground.fresh()
        api, worker = self.ground.api(), self.ground.worker(**DRAINING)
        self._registered(self.ground, 1)
        times = load.paced(self.paced, api.port, rate, seconds, 0)
        after = [memory('4', 'the API', api), memory('4', 'the worker', worker)]
        self._all_final(len(times))
        pick_up = self.ground.number(
            'select 1000 * percentile_cont(0.99) within group (order by extract(epoch from start_time - created_at))'
            ' from jobs'
        )
        # Less than was asked for, if the machine cannot do that much; then requests wait for their turn.
        done = self.ground.number(
            'select count(*) / extract(epoch from max(end_time) - min(created_at)) from jobs'
        )
        most, last = self.ground.sql("""
            with step as (select created_at as at, 1 as by from jobs union all select start_time, -1 from jobs),
              backlog as (select at, sum(by) over (order by at, by desc) as jobs from step)
            select max(jobs), (
              select jobs from backlog where at <= (select max(created_at) from jobs) order by at desc limit 1)
            from backlog""")[0]
        return [
            Figure(
                '4', f'submit and drain for {seconds} s, asked for: 70% of the lower peak', 'jobs/s', rate
            ),
            Figure('4', 'submit and drain, done', 'jobs/s', done),
            Figure('4', 'p99 from accepted to started', 'ms', pick_up),
            Figure('4', 'p99 of a request', 'ms', load.percentile(times, 99)),
            Figure('4', 'jobs that waited, at most', 'jobs', float(most)),
            Figure('4', 'jobs that waited, at the end', 'jobs', float(last)),
            *after,
        ]

    def row_5(self):
        self.ground.fresh()
        api, worker = self.ground.api(), self.ground.worker()
        self._registered(self.ground, 1)
        figures = [
            *self._pick_up(self.ground, api.port, 'one idle worker'),
            memory('5', 'the API', api),
            memory('5', 'the worker', worker),
        ]
        workers = self.size.number(200)
        # Each has a connection for jobs and one for its beat.
        with Ground(self.ground.jobd, max_connections=2 * workers + 50) as crowd:
            crowd.fresh()
            api, idle = crowd.api(), []
            for _ in range(workers):
                idle.append(crowd.worker(DATABASE_CONNECTIONS=1))
                if len(idle) % 20 == 0:
                    self._registered(crowd, len(idle))
            self._registered(crowd, workers)
            figures += self._pick_up(crowd, api.port, f'{workers} idle workers')
            before, start = sum(w.cpu_seconds() for w in idle), time.perf_counter()
            time.sleep(max(4, self.size.seconds(20)))
            used = (sum(w.cpu_seconds() for w in idle) - before) / (time.perf_counter() - start)
            figures += [
                Figure('5', f'processor of {workers} idle workers', '% of a core', 100 * used),
                memory('5', f'the API beside {workers} workers', api),
                Figure(
                    '5', f'memory of each of {workers} workers', 'MB', sum(w.rss_mb() for w in idle) / workers
                ),
            ]
        return figures

    def _registered(self, ground, workers):
        within(
            120,
            f'{workers} workers register',
            lambda: (
                all(p.check() for p in ground.running)
                and ground.number('select count(*) from nodes where slots > 0') >= workers
            ),
        )

    def _pick_up(self, ground, port, where):
        """From the moment the client has read its 201 to start_time; the client and the database share a clock."""
        connection, answered = load.Connection(port), {}
        for object_id in range(self.size.number(1000)):
            answered[connection.post(object_id)] = time.time()
            time.sleep(random.uniform(0.01, 0.02))
        self._all_final(len(answered), ground=ground)
        started = ground.sql("select id, extract(epoch from start_time at time zone 'utc') from jobs")
        times = [max(0, 1000 * (float(at) - answered[int(id)])) for id, at in started]
        return [
            Figure('5', f'p{p} from 201 to start_time, {where}', 'ms', load.percentile(times, p))
            for p in (50, 99)
        ]

    # ---------------------------------------------------------------------------- 6, 7, 8

    def row_6(self):
        history, backlog = self.size.jobs(10_000_000), self.size.jobs(1_000_000)
        ended = "'success', 1, 1, timezone('utc', now()), timezone('utc', now())"
        with Ground(self.ground.jobd) as loaded:
            loaded.age_postgres()
            loaded.fresh()
            self._fill(loaded, history, ', status, attempt, node_id, start_time, end_time', f', {ended}')
            figures = self._loaded(loaded, history, f'{history:,} finished jobs')
            loaded.fresh()
            self._seed(backlog, ground=loaded)
            return figures + self._loaded(loaded, backlog, f'{backlog:,} ready jobs')

    def _loaded(self, loaded, jobs, beside):
        """Rows 1 and 3 on `loaded`, which has so many jobs, in turns with an empty table, which is the limit."""
        rounds, answered, unanswered = [], jobs, 0
        for n in range(ROUNDS):
            self.ground.fresh()
            empty, *counts, _ = self._submit_and_drain(self.ground, 0)
            self._all_final(*counts)
            full, more, more_unanswered, memories = self._submit_and_drain(loaded, n * 10**10)
            rounds.append((full, empty))
            answered, unanswered = answered + more, unanswered + more_unanswered
        self._all_final(answered, unanswered, ground=loaded)
        loaded.stop_jobd()
        figures = []
        for what in ('submit', 'drain'):
            full, empty = middle([(f[what], e[what]) for f, e in rounds], lambda one: one[0] / one[1])
            figures.append(Figure('6', f'{what} beside {beside}', 'jobs/s', full, empty))
        return figures + [Figure('6', f'memory: {who}, {beside}', 'MB', mb) for who, mb in memories.items()]

    def _submit_and_drain(self, ground, first_object):
        """Drains as many as it has submitted, so that what was there stays. Both rates, the jobs answered and those
        that may be there beside them, and the memory of both processes."""
        api = ground.api()
        peak, answered, unanswered = self._submit(api.port, first_object, seconds=10)
        memories = {'the API': api.rss_mb()}
        ground.stop_jobd()
        settle(ground)
        first, since = first_ready(ground), ground.sql("select timezone('utc', now())")[0][0]
        worker = ground.worker(**DRAINING)
        within(
            120 + answered / 500,
            f'{answered} jobs are drained',
            lambda: worker.check() and first_ready(ground) >= first + answered,
            every=0.5,
        )
        memories['the worker'] = worker.rss_mb()
        # It ends what it has begun.
        ground.stop_jobd()
        drained = drain_rate(ground, answered, first, since)
        return {'submit': rate_of(peak), 'drain': drained}, answered, unanswered, memories

    def row_7(self):
        jobs = self.size.jobs(5000)
        limit = limits.spawn(jobs)
        self.ground.fresh()
        self._seed(jobs, ', type', ", 'true'")
        handlers = self.ground.path('handlers.json')
        with open(handlers, 'w') as file:
            json.dump({'true': {'command': ['/bin/true']}}, file)
        worker = self.ground.worker(JOB_HANDLERS=handlers)
        self._all_final(jobs)
        return [
            Figure('7', f'run /bin/true {jobs:,} times', 'jobs/s', drain_rate(self.ground, jobs), limit),
            memory('7', 'the worker', worker),
        ]

    def row_8(self):
        """The queue that it serves at first has no jobs, so that it only accepts."""
        self.ground.fresh()
        data = self.ground.path('standalone')
        process = self.ground.standalone(data, JOB_QUEUES='none')
        single, answered, unanswered = self._submit(process.port)
        batch, more, more_unanswered = self._submit(
            process.port, 10**10, seconds=10, batch=1000, connections=4
        )
        memories = [memory('8', 'submitting', process)]
        self.ground.stop_jobd()
        process = self.ground.standalone(data, **DRAINING)
        file = os.path.join(data, 'jobs.db')
        self._all_final_in_file(file, answered + more, unanswered + more_unanswered)
        memories.append(memory('8', 'draining', process))
        self.ground.stop_jobd()
        with sqlite3.connect(file) as db:
            drain = db.execute(
                'select count(*) * 1e6 / (max(end_time) - min(start_time)) from jobs'
            ).fetchone()[0]

        with limits.Constant(self.constant, self.ground) as constant:
            limit = load.wrk(constant.port, self.size.seconds(10), 0)
        bare = self.ground.path('bare')
        self.ground.standalone(bare)
        self.ground.stop_jobd()
        bare = os.path.join(bare, 'jobs.db')
        batch_limit = limits.sqlite_submit_batches(bare, self.size.seconds(5))
        return [
            Figure(
                '8',
                'standalone: submit, one job a request',
                'jobs/s',
                rate_of(single),
                rate_of(limit),
            ),
            Figure('8', 'standalone: p99 at the peak', 'ms', single['p99'], limit['p99']),
            Figure(
                '8',
                'standalone: submit, 1,000 jobs a request',
                'jobs/s',
                rate_of(batch),
                batch_limit,
            ),
            Figure('8', 'standalone: drain', 'jobs/s', drain, limits.sqlite_drain(bare)),
            *memories,
        ]

    # ---------------------------------------------------------------------------- the promise

    def _all_final(self, answered, unanswered=0, ground=None):
        """Waits until nothing is left to do, and counts: each job that was answered is there and has succeeded, at its
        first attempt unless it was given back. Beside them there may be what was sent and not answered."""
        ground = ground or self.ground
        if not any('worker' in p.popen.args for p in ground.running):
            ground.worker(**DRAINING)
        within(
            120 + answered / 500,
            'all jobs are final',
            lambda: all(p.check() for p in ground.running) and ground.sql(UNFINISHED) == [['f']],
            every=0.5,
        )
        self._count(
            answered,
            unanswered,
            *ground.sql("""
            select count(*), count(*) filter (where status = 'success'), count(*) filter (where attempt <> 1 and attempt
              <> 1 + (select count(*) from job_attempts a where a.job_id = jobs.id and outcome in ('released', 'lost')))
            from jobs""")[0],
        )

    def _all_final_in_file(self, path, answered, unanswered):
        db = sqlite3.connect(f'file:{path}?mode=ro', uri=True, timeout=30)
        unfinished = (
            "select count(*) from (select 1 from jobs where status in ('created', 'running') limit 1)"
        )
        within(
            120 + answered / 500,
            'all jobs are final',
            lambda: not db.execute(unfinished).fetchone()[0],
            every=0.5,
        )
        self._count(
            answered,
            unanswered,
            *db.execute("select count(*), sum(status = 'success'), sum(attempt <> 1) from jobs").fetchone(),
        )
        db.close()

    def _count(self, answered, unanswered, rows, succeeded, again):
        rows, succeeded, again = int(rows), int(succeeded), int(again)
        if not answered <= rows <= answered + unanswered:
            raise RuntimeError(
                f'{answered} jobs were accepted (and up to {unanswered} more), but {rows} are there'
            )
        if succeeded != rows or again:
            raise RuntimeError(
                f'of {rows} jobs {succeeded} have succeeded, and {again} have run again without a reason'
            )
        self.final += rows


def rate_of(run):
    """Of wrk, in jobs a second."""
    return run['jobs'] / run['seconds']


def settle(ground):
    """So that what was written before is no part of what is measured next, and the planner knows of it."""
    ground.sql('vacuum analyze jobs')
    ground.sql('checkpoint')


def first_ready(ground):
    """The id of the job that is next."""
    return int(ground.number(FIRST_READY))


def drain_rate(ground, jobs, first=0, since='-infinity'):
    """In jobs a second."""
    return ground.number(DRAIN_RATE.format(jobs=jobs, first=first, since=since))


def middle(rounds, by):
    """The one of an odd number of rounds that as many are below as above."""
    return sorted(rounds, key=by)[len(rounds) // 2]


def memory(row, what, process):
    return Figure(row, f'memory: {what}', 'MB', process.rss_mb())
