"""The private servers of a run, and the processes of jobd on them."""

import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import time
import urllib.request

PG_BIN = '/usr/lib/postgresql/15/bin'


def within(seconds, what, fact, every=0.05):
    """Waits until fact() is true. While something is measured, asking should be rare."""
    end = time.monotonic() + seconds
    while not fact():
        if time.monotonic() > end:
            raise TimeoutError(f'{what}: not within {seconds} s')
        time.sleep(every)


def free_port():
    with socket.socket() as s:
        s.bind(('127.0.0.1', 0))
        return s.getsockname()[1]


class Process:
    """A process that ends with this one."""

    def __init__(self, command, log, as_postgres=False, env=None, **options):
        user = []
        if as_postgres and os.geteuid() == 0:
            user = ['--reuid', 'postgres', '--regid', 'postgres', '--init-groups']
        self.name = os.path.basename(command[0])
        self.log = log
        with open(log, 'ab') as out:
            # A session of its own: Ctrl-C is for the benchmark, which then stops its processes in order.
            self.popen = subprocess.Popen(
                ['setpriv', '--pdeathsig', 'KILL', *user, *command],
                stderr=out,
                start_new_session=True,
                env={**os.environ, **(env or {})},
                **{'stdin': subprocess.DEVNULL, 'stdout': out, **options},
            )

    def stop(self, sign=signal.SIGTERM, within_seconds=60):
        if self.popen.poll() is None:
            self.popen.send_signal(sign)
            try:
                self.popen.wait(within_seconds)
            except subprocess.TimeoutExpired:
                self.popen.kill()
                self.popen.wait()

    def check(self):
        if self.popen.poll() is not None:
            with open(self.log, errors='replace') as log:
                raise RuntimeError(
                    f'{self.name} ended with code {self.popen.returncode}: {log.read()[-1000:]}'
                )
        return True

    def rss_mb(self):
        """Resident memory."""
        with open(f'/proc/{self.popen.pid}/status') as status:
            return next(int(line.split()[1]) for line in status if line.startswith('VmRSS')) / 1024

    def cpu_seconds(self):
        with open(f'/proc/{self.popen.pid}/stat') as stat:
            fields = stat.read().rpartition(')')[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf('SC_CLK_TCK')


class Ground:
    """PostgreSQL as it is installed, but for its memory; Redis with an append-only file; both on sockets in a folder
    that goes with them. `fresh` empties both; `api`, `worker` and `standalone` start jobd."""

    def __init__(self, jobd, max_connections=100):
        self.jobd = jobd
        self.max_connections = max_connections
        self.running = []
        self.servers = []
        self.postgres = self.redis_server = None

    def __enter__(self):
        # Not /tmp, which may be in memory.
        self.folder = tempfile.mkdtemp(prefix='jobd-bench-', dir='/var/tmp')
        try:
            os.chmod(self.folder, 0o755)
            self.sockets = os.path.join(self.folder, 'sockets')
            for name in ('sockets', 'postgres', 'redis'):
                os.mkdir(os.path.join(self.folder, name), 0o700)
                if os.geteuid() == 0:
                    postgres = pwd.getpwnam('postgres')
                    os.chown(os.path.join(self.folder, name), postgres.pw_uid, postgres.pw_gid)
            self.redis_socket = os.path.join(self.sockets, 'redis')
            self.database_url = f'postgresql://jobd@/jobd?host={self.sockets}'
            self._start_servers()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *unused):
        self.stop_jobd()
        for server, sign in reversed(self.servers):
            server.stop(sign)
        shutil.rmtree(self.folder, ignore_errors=True)

    def _start_servers(self):
        initdb = Process(
            [f'{PG_BIN}/initdb', '-D', self.path('postgres'), '-U', 'jobd', '-A', 'trust', '-E', 'UTF8'],
            self.path('initdb.log'),
            as_postgres=True,
            cwd='/',
        )
        if initdb.popen.wait():
            initdb.check()
        self.start_postgres()
        self.start_redis()

    def start_postgres(self):
        """Returns once it can be used."""
        settings = {
            'listen_addresses': '',
            'unix_socket_directories': self.sockets,
            'shared_buffers': '256MB',
            'max_connections': self.max_connections,
        }
        self.postgres = self._server(
            signal.SIGINT,
            f'{PG_BIN}/postgres',
            '-D',
            self.path('postgres'),
            *(word for name, value in settings.items() for word in ('-c', f'{name}={value}')),
        )
        ready = [f'{PG_BIN}/pg_isready', '-qh', self.sockets, '-d', 'postgres']
        within(
            60, 'PostgreSQL starts', lambda: self.postgres.check() and not subprocess.run(ready).returncode
        )

    def start_redis(self):
        """Returns once it can be used."""
        settings = {
            'port': 0,
            'unixsocket': self.redis_socket,
            'dir': self.path('redis'),
            'appendonly': 'yes',
            'appendfsync': 'everysec',
            'save': '',
        }
        self.redis_server = self._server(
            signal.SIGTERM,
            'redis-server',
            *(word for name, value in settings.items() for word in (f'--{name}', str(value))),
        )
        ping = ['redis-cli', '-s', self.redis_socket, 'ping']
        within(
            60,
            'Redis starts',
            lambda: (
                self.redis_server.check() and subprocess.run(ping, capture_output=True).stdout == b'PONG\n'
            ),
        )

    def _server(self, sign, *command):
        """`sign` ends it."""
        server = Process(command, self.path(f'{os.path.basename(command[0])}.log'), as_postgres=True, cwd='/')
        self.servers.append((server, sign))
        return server

    def age_postgres(self):
        """As one that has run for a while. It has touched all of its memory: the first use of a page of it costs a
        fault, or two. And it uses the files of its log again: a new one stops everybody for each file that it makes,
        every 16 MB; with 2 GB it has all that max_wal_size lets it keep."""
        # Not as a table that is created from a query, which fills a few pages of memory again and again.
        fill = 'insert into filler select repeat(chr(65 + n % 26), 1000) from generate_series(1, 2000000) n'
        self.sql(f'create table filler (text text); {fill}; checkpoint; drop table filler', 'postgres')
        # What the kernel has yet to write of it is no part of what is measured.
        os.sync()

    def path(self, name):
        return os.path.join(self.folder, name)

    # ---------------------------------------------------------------------------- servers

    def sql(self, query, database='jobd'):
        """The rows of the answer, as lists of text."""
        done = subprocess.run(
            [
                f'{PG_BIN}/psql',
                '-qAtXF\t',
                '-v',
                'ON_ERROR_STOP=1',
                '-h',
                self.sockets,
                '-U',
                'jobd',
                database,
            ],
            input=query,
            capture_output=True,
            text=True,
        )
        if done.returncode:
            raise RuntimeError(f'{done.stderr.strip()} in {query}')
        return [line.split('\t') for line in done.stdout.splitlines()]

    def number(self, query):
        """The one number that is the answer."""
        return float(self.sql(query)[0][0] or 0)

    def redis(self, *command):
        return subprocess.run(
            ['redis-cli', '-s', self.redis_socket, *command], capture_output=True, text=True, check=True
        ).stdout.strip()

    def fresh(self):
        """An empty database with jobd's schema, an empty Redis, and no process of jobd."""
        self.empty()
        self.migrate()

    def migrate(self):
        subprocess.run(
            [self.jobd, 'migrate'],
            env={**os.environ, **self._settings()},
            check=True,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )

    def empty(self):
        """An empty database without a schema, for a rival."""
        self.stop_jobd()
        self.sql('drop database if exists jobd with (force)', 'postgres')
        self.sql('create database jobd', 'postgres')
        self.sql('checkpoint', 'postgres')
        self.redis('flushall')

    # ---------------------------------------------------------------------------- jobd

    def _settings(self, **settings):
        return {
            'DATABASE_URL': self.database_url,
            'REDIS_URL': f'unix://{self.redis_socket}',
            'LOG_LEVEL': 'warn',
            **{name: str(value) for name, value in settings.items()},
        }

    def launch(self, *command, log='jobd.log', **settings):
        process = Process([self.jobd, *command], self.path(log), env=self._settings(**settings))
        self.running.append(process)
        return process

    def _serve(self, *command, **settings):
        port = free_port()
        process = self.launch(*command, HTTP_PORT=port, **settings)
        process.port = port
        within(60, 'jobd serves', lambda: process.check() and self.healthy(port))
        return process

    @staticmethod
    def healthy(port):
        try:
            return urllib.request.urlopen(f'http://127.0.0.1:{port}/healthz', timeout=5).status == 200
        except OSError:
            return False

    def api(self, **settings):
        return self._serve('api', **settings)

    def standalone(self, data, **settings):
        return self._serve('standalone', '--data', data, **settings)

    def worker(self, **settings):
        return self.launch('worker', **settings)

    def stop_jobd(self):
        """All of it at once, so that two hundred workers do not wait for each other."""
        for process in self.running:
            if process.popen.poll() is None:
                process.popen.send_signal(signal.SIGTERM)
        for process in self.running:
            process.stop()
        self.running = []
