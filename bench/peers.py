"""The rivals of peers/: each in a process of its own, on the same PostgreSQL and Redis, one after the other."""

import json
import os
import subprocess
import sys

from . import load
from .ground import Process
from .rows import Figure

FOLDER = os.path.join(os.path.dirname(os.path.abspath(__file__)), 'peers')
NODE = os.path.join(FOLDER, 'node_modules', '.bin', 'node')
LIBRARIES = ('graphile-worker', 'pg-boss', 'bullmq')


def versions():
    """What was measured, by what is installed."""
    found = {}
    for name in (*LIBRARIES, 'pg', 'ioredis', 'node'):
        with open(os.path.join(FOLDER, 'node_modules', name, 'package.json')) as file:
            found[name] = json.load(file)['version']
    return found


def add(figures, ground, size):
    """Measures the rivals in those of rows 1 to 3 that are there, and writes what they reach to the rows' first lines.
    A line more has what they reach where they spare themselves the HTTP server, which jobd cannot."""
    lines = {
        row: next(f for f in figures if f.row == row) for row in '123' if any(f.row == row for f in figures)
    }
    called = Figure('1', 'submit by a call of the library', 'jobs/s', None)
    for name in (*LIBRARIES, 'plain'):
        print(f'{name} …', file=sys.stderr, flush=True)
        if '1' in lines:
            lines['1'].rivals[name] = serve(name, ground, size)
            called.rivals[name] = measure(name, ground, 'submit', size.jobs(40_000))
        if '2' in lines and name in LIBRARIES:
            lines['2'].rivals[name] = measure(name, ground, 'batch', size.jobs(200_000))
        if '3' in lines:
            lines['3'].rivals[name] = measure(
                name, ground, 'drain', size.jobs(200_000 if name in LIBRARIES else 40_000)
            )
    if called.rivals:
        figures.insert(figures.index(lines['1']) + 1, called)


def start(name, ground, *arguments, **options):
    env = {
        'PGHOST': ground.sockets,
        'PGUSER': 'jobd',
        'PGDATABASE': 'jobd',
        'REDIS_SOCKET': ground.redis_socket,
        'NODE_ENV': 'production',
    }
    return Process(
        [NODE, os.path.join(FOLDER, f'{name}.mjs'), *map(str, arguments)],
        ground.path(f'{name}.log'),
        env=env,
        **options,
    )


def measure(name, ground, *arguments):
    """Jobs a second, as the script has measured them."""
    ground.empty()
    process = start(name, ground, *arguments, stdout=subprocess.PIPE)
    try:
        out = process.popen.communicate()[0]
    finally:
        process.stop()
    if process.popen.returncode:
        process.check()
    return json.loads(out)['rate']


def serve(name, ground, size):
    """Jobs a second that wrk submits, as to jobd."""
    ground.empty()
    process = start(name, ground, 'serve', stdout=subprocess.PIPE)
    try:
        port = int(process.popen.stdout.readline() or process.popen.wait() or process.check())
        load.wrk(port, 1, 10**9)
        peak = load.wrk(port, size.seconds(20), 2 * 10**9)
    finally:
        process.stop()
    return peak['jobs'] / peak['seconds']
