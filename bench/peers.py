"""The rivals of peers/: each in a process of its own, on the same PostgreSQL and Redis, one after the other."""

import json
import os
import subprocess
import sys

from . import load
from .ground import Process, within

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
    """Measures the rivals and writes what they reach to the lines of rows 1 to 3 that are there."""
    lines = {row: next((f for f in figures if f.row == row), None) for row in '123'}
    for name in (*LIBRARIES, 'plain'):
        print(f'{name} …', file=sys.stderr, flush=True)
        rates = plain(ground, size) if name == 'plain' else library(name, ground, size)
        for row, rate in rates.items():
            if lines[row]:
                lines[row].rivals[name] = rate


def start(name, ground, *arguments, **options):
    env = {'PGHOST': ground.sockets, 'PGUSER': 'jobd', 'PGDATABASE': 'jobd', 'REDIS_SOCKET': ground.redis_socket,
           'NODE_ENV': 'production'}
    return Process([NODE, os.path.join(FOLDER, f'{name}.mjs'), *map(str, arguments)], ground.path(f'{name}.log'), env=env,
                   **options)


def measure(name, ground, *arguments):
    """Jobs a second, as the script has measured them."""
    process = start(name, ground, *arguments, stdout=subprocess.PIPE)
    out = process.popen.communicate()[0]
    if process.popen.returncode:
        process.check()
    return json.loads(out)['rate']


def library(name, ground, size):
    rates = {}
    for row, what, jobs in (('1', 'submit', size.jobs(40_000)), ('2', 'batch', size.jobs(200_000)),
                            ('3', 'drain', size.jobs(200_000))):
        ground.empty()
        rates[row] = measure(name, ground, what, jobs)
    return rates


def plain(ground, size):
    """The one with an HTTP server, which wrk drives like jobd's. It has no batches."""
    ground.empty()
    server = start('plain', ground, 'serve', stdout=subprocess.PIPE)
    port = int(server.popen.stdout.readline() or 0) or server.check()
    load.wrk(port, 1, 10**9)
    peak = load.wrk(port, size.seconds(20), 0)
    server.stop()
    ground.empty()
    return {'1': peak['jobs'] / peak['seconds'], '3': measure('plain', ground, 'drain', size.jobs(40_000))}
