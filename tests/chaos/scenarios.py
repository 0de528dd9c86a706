"""What is done to a cluster under load. Each scenario is a function of its name; what it breaks it mends again."""

import contextlib
import math
import os
import signal
import time

from bench.ground import within

from .cluster import HERE, SHUTDOWN_GRACE
from .history import Fault

SCENARIOS = {}
# Those whose PostgreSQL has a small disk to itself.
ON_SMALL_DISK = {'disk-full'}
# Those that begin with an older jobd.
FROM_OLD = {'migration'}


def scenario(function):
    SCENARIOS[function.__name__.replace('_', '-')] = function
    return function


class Run:
    """What a scenario works with: a cluster, its load, and dice. `short` is for tests."""

    def __init__(self, cluster, load, dice, short):
        self.cluster, self.load, self.dice, self.short = cluster, load, dice, short
        # What was done, and what went wrong beside what the checker finds.
        self.faults, self.wrong = [], []
        # Jobs that must come to a certain end.
        self._expected = []

    def hold(self, short, long=None):
        """Seconds."""
        time.sleep(short if self.short or long is None else long)

    def times(self, short, long):
        return range(short if self.short else long)

    def some(self, command):
        return self.dice.choice([node for node in self.cluster.of(command) if node.runs()])

    @contextlib.contextmanager
    def fault(self, what, *nodes, outage=False):
        done = Fault(time.time(), math.inf, what, [node.pid for node in nodes], outage)
        self.faults.append(done)
        try:
            yield
        finally:
            done.until = time.time()

    def kill(self, node):
        with self.fault('SIGKILL', node):
            node.signal(signal.SIGKILL)
            node.end(10)

    def expect(self, status, text, kind, **fields):
        """Submits a job that must come to this status, with this text in its message. Gives its id."""
        job = self.load.submit(self.some('api').port, kind, **fields)
        self._expected.append((job, status, text))
        return job

    def check(self, well, wrong):
        if not well:
            self.wrong.append(wrong)

    def check_expected(self):
        for job, status, text in self._expected:
            found, message = self.cluster.sql(
                f"select status, coalesce(message, '') from jobs where id = {job}"
            )[0]
            self.check(
                (found, text in message) == (status, True),
                f'job {job} is {found} with the message {message!r} instead of {status} with {text!r}',
            )


# -------------------------------------------------------------------------------- processes of jobd


@scenario
def kill_workers(run):
    kill_some(run, 'worker')


@scenario
def kill_apis(run):
    kill_some(run, 'api')


def kill_some(run, command):
    """SIGKILL, again and again; what supervises them starts others a moment later."""
    for _ in run.times(3, 6):
        run.kill(run.some(command))
        run.hold(run.dice.uniform(0, 2))
        run.cluster.revive()
        run.hold(1, 4)


@scenario
def stop_worker(run):
    """Stopped for longer than its lease, with its handlers running on."""
    node = run.some('worker')
    with run.fault('SIGSTOP', node):
        node.signal(signal.SIGSTOP)
        run.hold(13, 20)
        node.signal(signal.SIGCONT)
    run.hold(4)


@scenario
def rolling_restart(run):
    for node in run.cluster.nodes:
        replace(run, node)
        run.hold(0.5, 3)


def ended_well(run, node, began):
    code = node.end(began + SHUTDOWN_GRACE + 5 - time.monotonic())
    run.check(
        code == 0,
        f'{node.name} had not ended well {time.monotonic() - began:.1f} s after SIGTERM: code {code}',
    )
    if code is None:
        run.kill(node)


@scenario
def clock_steps(run):
    """The clock of one worker is an hour ahead, then an hour behind, then right. Nobody may take it for dead."""
    node = run.dice.choice(run.cluster.of('worker'))
    offset = run.cluster.path('clock')
    set_clock(offset, 1)
    node.signal(signal.SIGTERM)
    ended_well(run, node, time.monotonic())
    faked = {
        'LD_PRELOAD': '/usr/lib/x86_64-linux-gnu/faketime/libfaketimeMT.so.1',
        'FAKETIME_TIMESTAMP_FILE': offset,
        'FAKETIME_NO_CACHE': 1,
        'FAKETIME_DONT_FAKE_MONOTONIC': 1,
    }
    right = dict(node.settings)
    node.settings.update(faked)
    run.cluster.revive()
    run.check(node.said_at('The worker runs') > time.time() + 3000, 'libfaketime does nothing')
    run.hold(4, 15)
    for hours in (-1, 0):
        set_clock(offset, hours)
        run.hold(4, 15)
    lost = run.cluster.number("select count(*) from job_attempts where outcome = 'lost'")
    run.check(lost == 0 or len(run.faults) > 0, f'{lost:.0f} attempts were taken for lost')
    node.settings = right
    node.signal(signal.SIGTERM)
    ended_well(run, node, time.monotonic())
    run.cluster.revive()


def set_clock(file, hours):
    with open(f'{file}.new', 'w') as new:
        new.write(f'{hours * 3600:+d}\n')
    os.replace(f'{file}.new', file)


@scenario
def migration(run):
    """An older jobd runs, the schema is migrated under load, and for a while old and new run side by side."""
    run.cluster.jobd = run.cluster.new
    run.cluster.migrate()
    run.hold(2, 15)
    for node in run.cluster.nodes[::2]:
        replace(run, node)
    run.hold(3, 30)
    for node in run.cluster.nodes[1::2]:
        replace(run, node)


def replace(run, node):
    began = time.monotonic()
    node.signal(signal.SIGTERM)
    ended_well(run, node, began)
    run.cluster.revive()


# -------------------------------------------------------------------------------- PostgreSQL


def restart_postgres(run, sign, seconds=0):
    with run.fault('PostgreSQL away', outage=True):
        run.cluster.stop_postgres(sign)
        time.sleep(seconds)
        run.cluster.start_postgres()
    run.hold(2, 5)


@scenario
def postgres_fast(run):
    restart_postgres(run, signal.SIGINT)


@scenario
def postgres_immediate(run):
    restart_postgres(run, signal.SIGQUIT)


@scenario
def postgres_kill(run):
    restart_postgres(run, signal.SIGKILL)


@scenario
def postgres_away(run):
    restart_postgres(run, signal.SIGINT, 8 if run.short else 30)


@scenario
def terminate_backends(run):
    for _ in run.times(5, 20):
        run.cluster.sql(
            "select pg_terminate_backend(pid) from pg_stat_activity where application_name <> 'psql'"
        )
        run.hold(run.dice.uniform(0, 1))


@scenario
def disk_full(run):
    """Nothing can be written, in the end not even the log of PostgreSQL, which then dies and is started again."""
    ballast = run.cluster.path('postgres/ballast')
    with run.fault('disk full', outage=True):
        fill_with(ballast)
        run.hold(5, 30)
        end_in_time(run, 'disk full')
        os.remove(ballast)
        if run.cluster.postgres.popen.poll() is not None:
            run.cluster.start_postgres()
        within(60, 'PostgreSQL answers', lambda: answers(run.cluster))
    run.hold(2, 5)


def fill_with(ballast):
    """Takes all the room of its disk, which others take meanwhile, too."""
    with open(ballast, 'wb') as file:
        while (room := os.fstatvfs(file.fileno())).f_bavail:
            with contextlib.suppress(OSError):
                size = os.fstat(file.fileno()).st_size
                os.posix_fallocate(file.fileno(), size, room.f_bavail * room.f_frsize)


def answers(cluster):
    try:
        return cluster.sql('select 1')
    except RuntimeError:
        return False


# -------------------------------------------------------------------------------- Redis


@scenario
def redis_kill(run):
    run.cluster.stop_redis(signal.SIGKILL)
    run.cluster.start_redis()
    run.hold(2, 5)


@scenario
def redis_flushall(run):
    for _ in run.times(5, 20):
        run.cluster.redis('flushall')
        run.hold(run.dice.uniform(0, 1))


@scenario
def redis_away(run):
    with redis_is_away(run):
        run.hold(8, 60)
    run.hold(2)


@scenario
def redis_full(run):
    """It has no room for anything more."""
    with redis_has_no_room(run):
        run.hold(5, 20)
    run.hold(2)


@scenario
def redis_readonly(run):
    """It became a replica while connections stood, as in a failover."""
    run.cluster.redis('replicaof', '127.0.0.1', '1')
    run.hold(5, 20)
    run.cluster.redis('replicaof', 'no', 'one')
    run.hold(2)


# -------------------------------------------------------------------------------- networks


@scenario
def half_open_postgres(run):
    half_open(run, 'postgres', run.cluster.proxied('worker'))


@scenario
def half_open_redis(run):
    half_open(run, 'redis', [])


def half_open(run, server, silenced):
    """Half of the nodes are cut off, each time in another way; the others take over."""
    proxy = run.cluster.proxies[server]
    for mode, short, long in (('swallow', 12, 20), ('delay', 4, 15), ('cut', 4, 15)):
        with run.fault(f'{server}: {mode}', *silenced):
            proxy.mode = mode
            run.hold(short, long)
            proxy.mode = 'pass'
        run.hold(2, 5)


# -------------------------------------------------------------------------------- handlers


@scenario
def handlers(run):
    """Handlers that fork and ignore TERM, eat memory, and write without an end."""
    for _ in run.times(2, 5):
        run.expect('failed', 'timed out after 1 s; killed by signal 9 (SIGKILL)', 'forks')
        run.expect('failed', 'cannot allocate', 'memory')
        run.expect('failed', 'stdout went over 1 MiB', 'floods')
        run.hold(1, 3)
    within(30, 'the stubborn handlers end', lambda: not processes_of('forks'))


def processes_of(kind):
    """Process ids of handlers of this kind."""
    found = []
    for pid in filter(str.isdigit, os.listdir('/proc')):
        with contextlib.suppress(OSError), open(f'/proc/{pid}/cmdline', 'rb') as line:
            if f'{HERE}/handler\0{kind}\0'.encode() in line.read():
                found.append(int(pid))
    return found


@scenario
def poison(run):
    """A job that kills each worker that runs it: it fails after three recoveries, and nothing else suffers."""
    job = run.expect('failed', 'quarantined: its node died 4 times', 'poison')

    def over():
        # Their deaths, as they are seen.
        for node in run.cluster.of('worker'):
            if not node.runs():
                with run.fault('SIGKILL', node):
                    pass
        run.cluster.revive()
        return run.cluster.number(f'select count(*) from jobs where id = {job} and end_time is not null')

    within(120, 'the poison is quarantined', over, 0.2)
    others = run.cluster.number(
        "select count(*) from jobs where message like 'quarantined%' and type <> 'poison'"
    )
    run.check(others == 0, f'{others:.0f} jobs were quarantined beside it')


# -------------------------------------------------------------------------------- shutdown


@scenario
def shutdown(run):
    """SIGTERM ends an API and a worker in time, and a second one at once, whatever state the servers are in."""
    for state in STATES:
        with state(run):
            run.hold(0.5, 2)
            end_in_time(run, state.__name__)
        run.cluster.revive()
        run.hold(1, 3)


def end_in_time(run, state):
    # Through the proxies, which may be what is broken.
    patient, hurried = run.dice.sample(run.cluster.proxied('worker'), 2)
    (api,) = run.cluster.proxied('api')
    with run.fault(state, patient, hurried):
        began = time.monotonic()
        for node in (patient, hurried, api):
            node.signal(signal.SIGTERM)
        time.sleep(0.2)
        hurried.signal(signal.SIGTERM)
        run.check(
            hurried.end(1.5) == 0, f'{state}: a second SIGTERM did not end {hurried.name} at once and well'
        )
        for node in (patient, api):
            ended_well(run, node, began)


@contextlib.contextmanager
def all_well(run):
    yield


@contextlib.contextmanager
def postgres_is_away(run):
    with run.fault('PostgreSQL away', outage=True):
        run.cluster.stop_postgres()
        try:
            yield
        finally:
            run.cluster.start_postgres()


@contextlib.contextmanager
def redis_is_away(run):
    run.cluster.stop_redis()
    try:
        yield
    finally:
        run.cluster.start_redis()


@contextlib.contextmanager
def hung(run, server):
    run.cluster.signal_server(server, signal.SIGSTOP)
    try:
        yield
    finally:
        run.cluster.signal_server(server, signal.SIGCONT)


@contextlib.contextmanager
def postgres_hangs(run):
    with run.fault('PostgreSQL hangs', outage=True), hung(run, 'postgres'):
        yield


@contextlib.contextmanager
def redis_hangs(run):
    with hung(run, 'redis'):
        yield


@contextlib.contextmanager
def redis_has_no_room(run):
    run.cluster.redis('config', 'set', 'maxmemory', '1')
    try:
        yield
    finally:
        run.cluster.redis('config', 'set', 'maxmemory', '0')


@contextlib.contextmanager
def both_swallow(run):
    """Half of the nodes are cut off from both, and nobody tells them."""
    with run.fault('both swallow', *run.cluster.proxied('worker')):
        for proxy in run.cluster.proxies.values():
            proxy.mode = 'swallow'
        try:
            yield
        finally:
            for proxy in run.cluster.proxies.values():
                proxy.mode = 'pass'


@contextlib.contextmanager
def handlers_are_stubborn(run):
    for _ in range(8):
        run.load.submit(run.some('api').port, 'forks', timeout=20)
    yield


STATES = [
    all_well,
    postgres_is_away,
    postgres_hangs,
    redis_is_away,
    redis_hangs,
    redis_has_no_room,
    both_swallow,
    handlers_are_stubborn,
]


# -------------------------------------------------------------------------------- all together


def mix(run, minutes):
    """One scenario after the other on the same cluster, by the dice."""
    end = time.monotonic() + minutes * 60
    names = sorted(SCENARIOS.keys() - ON_SMALL_DISK - FROM_OLD)
    while time.monotonic() < end:
        name = run.dice.choice(names)
        yield name
        SCENARIOS[name](run)
        run.cluster.revive()
        run.hold(1, run.dice.uniform(1, 10))
