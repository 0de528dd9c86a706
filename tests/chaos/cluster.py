"""Two APIs and four workers on servers of their own. Half of them reach the servers through proxies, which can be told
to fail."""

import contextlib
import datetime
import itertools
import json
import os
import re
import signal
import subprocess
import tempfile
import time

from bench.ground import Ground, free_port, within

from . import history
from .proxy import Proxy

HERE = os.path.dirname(os.path.abspath(__file__))
# What the checker must know, in seconds.
DEDUPE_WINDOW = 5
KILL_GRACE = 1
SHUTDOWN_GRACE = 2
SETTINGS = {
    'JOB_DEDUPE_WINDOW': DEDUPE_WINDOW,
    'JOB_KILL_GRACE': KILL_GRACE,
    'JOB_SHUTDOWN_GRACE': SHUTDOWN_GRACE,
    'JOB_TIMEOUT': 20,
    'LOG_LEVEL': 'info',
}
HANDLERS = {
    'quick': {},
    'work': {},
    'flaky': {},
    'forks': {'timeout': 1},
    'memory': {'memory_mb': 100},
    'floods': {},
    'poison': {},
}


def mount(folder, options):
    """A file system in memory. Gives whether it was allowed."""
    return not subprocess.run(
        ['mount', '-t', 'tmpfs', '-o', options, 'tmpfs', folder], stderr=subprocess.DEVNULL
    ).returncode


def unmount(folder):
    subprocess.run(['umount', folder], check=True)


def can_mount():
    with tempfile.TemporaryDirectory() as folder:
        allowed = mount(folder, 'size=1m')
        if allowed:
            unmount(folder)
    return allowed


class Node:
    """A place for a process of jobd: the next one there has its settings and its port."""

    def __init__(self, cluster, name, **settings):
        self.cluster, self.name = cluster, name
        self.command = name.rstrip('0123456789')
        self.settings = settings
        if self.command == 'api':
            self.settings['HTTP_PORT'] = free_port()
        else:
            self.settings['JOB_HANDLERS'] = cluster.path('handlers.json')
        self.process = None

    @property
    def port(self):
        return self.settings['HTTP_PORT']

    @property
    def pid(self):
        return self.process.popen.pid

    def start(self):
        # By a log of its own, it is known which ids a process had.
        log = f'{self.name}-{next(self.cluster.starts)}.log'
        self.process = self.cluster.launch(self.command, log=log, **{**SETTINGS, **self.settings})
        self.cluster.logs[self.pid] = self.process.log

    def runs(self):
        return self.process is not None and self.process.popen.poll() is None

    def ready(self):
        if self.command == 'api':
            return self.cluster.healthy(self.port)
        with open(self.process.log) as log:
            return 'The worker runs' in log.read()

    def said_at(self, text):
        """When it logged this first, by its own clock."""
        with open(self.process.log) as log:
            line = next(line for line in log if text in line)
        return datetime.datetime.fromisoformat(line.split()[0]).timestamp()

    def signal(self, sign):
        self.process.popen.send_signal(sign)

    def end(self, seconds):
        """Its exit code, or None if it goes on."""
        try:
            return self.process.popen.wait(seconds)
        except subprocess.TimeoutExpired:
            return None


class Cluster(Ground):
    """`old`: an older jobd. `disk_mb`: PostgreSQL's data has a file system of that size, in memory."""

    def __init__(self, jobd, old=None, disk_mb=None):
        super().__init__(jobd)
        self.new, self.old, self.disk_mb = jobd, old, disk_mb

    def _start_servers(self):
        if self.disk_mb:
            owner = os.stat(self.path('postgres'))
            mount(
                self.path('postgres'), f'size={self.disk_mb}m,mode=0700,uid={owner.st_uid},gid={owner.st_gid}'
            )
        super()._start_servers()

    def __exit__(self, *unused):
        if self.postgres and self.redis_server:
            # One that hangs would never end.
            self.signal_server('postgres', signal.SIGCONT)
            self.signal_server('redis', signal.SIGCONT)
        self.stop_jobd()
        if self.postgres and self.disk_mb:
            self.stop_postgres(signal.SIGQUIT)
        if self.disk_mb:
            unmount(self.path('postgres'))
        super().__exit__()

    def __enter__(self):
        super().__enter__()
        self.work_log = self.path('work.log')
        proxies = self.path('proxies')
        os.mkdir(proxies)
        self.proxies = {
            'postgres': Proxy(f'{proxies}/.s.PGSQL.5432', f'{self.sockets}/.s.PGSQL.5432'),
            'redis': Proxy(f'{proxies}/redis', self.redis_socket),
        }
        with open(self.path('handlers.json'), 'w') as file:
            json.dump({name: self._handler(name, entry) for name, entry in HANDLERS.items()}, file)
        through = {
            'DATABASE_URL': f'postgresql://jobd@/jobd?host={proxies}',
            'REDIS_URL': f'unix://{proxies}/redis',
        }
        self.logs, self.starts = {}, itertools.count(1)
        self.nodes = [
            Node(self, name, **(through if name in ('api2', 'worker3', 'worker4') else {}))
            for name in ('api1', 'api2', 'worker1', 'worker2', 'worker3', 'worker4')
        ]
        return self

    def _handler(self, name, entry):
        return {'command': [f'{HERE}/handler', name], 'env': {'WORK_LOG': self.work_log}, **entry}

    def of(self, command):
        return [node for node in self.nodes if node.command == command]

    def proxied(self, command):
        return [node for node in self.of(command) if 'DATABASE_URL' in node.settings]

    def start(self, old=False):
        """Nothing that was is left."""
        self.jobd = self.old if old else self.new
        self.fresh()
        if os.path.exists(self.work_log):
            os.remove(self.work_log)
        self.logs = {}
        self.revive()

    def revive(self):
        """Starts those that do not run, and waits for all."""
        for node in self.nodes:
            if not node.runs():
                node.start()
        for node in self.nodes:
            within(60, f'{node.name} is ready', lambda: node.process.check() and node.ready())

    # ---------------------------------------------------------------------------- servers

    def stop_postgres(self, sign=signal.SIGINT):
        """Returns once all its processes are gone."""
        pids = self.postgres_pids()
        self.postgres.popen.send_signal(sign)
        self.postgres.popen.wait(60)
        within(60, 'PostgreSQL ends', lambda: not any(os.path.exists(f'/proc/{pid}') for pid in pids))

    def postgres_pids(self):
        """The first is the postmaster. None, if it does not run."""
        pid = self.postgres.popen.pid
        if self.postgres.popen.poll() is not None:
            return []
        with open(f'/proc/{pid}/task/{pid}/children') as children:
            return [pid, *map(int, children.read().split())]

    def stop_redis(self, sign=signal.SIGTERM):
        self.redis_server.popen.send_signal(sign)
        self.redis_server.popen.wait(60)

    def signal_server(self, name, sign):
        if name == 'redis':
            self.redis_server.popen.send_signal(sign)
            return
        for pid in self.postgres_pids():
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, sign)

    # ---------------------------------------------------------------------------- what is left

    def open_jobs(self):
        return self.number("select count(*) from jobs where status in ('created', 'running')")

    def tables(self):
        return {
            name: json.loads(''.join(line for (line,) in self.sql(history.query(name))))
            for name in history.TABLES
        }

    def node_ids(self):
        """pid by id."""
        found = {}
        for pid, log in self.logs.items():
            with open(log, errors='replace') as lines:
                found.update(
                    (int(node), pid) for node in re.findall(r'The node joined\. node=(\d+)', lines.read())
                )
        return found

    def history(self, exchanges, faults):
        return history.History(
            exchanges,
            history.read_work(self.work_log),
            faults,
            self.tables(),
            self.node_ids(),
            DEDUPE_WINDOW,
            KILL_GRACE,
        )

    def end(self):
        """SIGTERM to all; how many seconds each took, and its code, by name."""
        began = time.monotonic()
        for node in self.nodes:
            node.signal(signal.SIGTERM)
        ends = {}
        for node in self.nodes:
            code = node.end(max(0, began + SHUTDOWN_GRACE + 5 - time.monotonic()))
            ends[node.name] = (time.monotonic() - began, code)
        return ends
