"""Runs the benchmark; `./dev bench` builds what it needs and starts it."""

import argparse
import datetime
import os
import platform
import re
import signal
import subprocess
import sys

from . import peers, report
from .ground import Ground
from .rows import Rows, Size

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
ROWS = '12345678'
# Rows that are measured by what other rows have found.
NEEDS = {'4': '13'}


def arguments():
    parser = argparse.ArgumentParser(
        prog='./dev bench', description='Measures jobd; see docs/performance.md.'
    )
    parser.add_argument('rows', nargs='*', metavar='ROW', help='1 to 8; all of them by default')
    parser.add_argument('--peers', action='store_true', help='measures the rivals, too, in rows 1 to 3')
    parser.add_argument(
        '--scale', type=float, default=1, help='does so much of everything; below 1 nothing is kept'
    )
    parser.add_argument(
        '--quick', dest='scale', action='store_const', const=0.02, help='the same as --scale 0.02'
    )
    parser.add_argument('--build', default=f'{ROOT}/build/Release', help=argparse.SUPPRESS)
    ask = parser.parse_args()
    if unknown := set(ask.rows) - set(ROWS):
        parser.error(f'there is no row {min(unknown)}; there are 1 to 8')
    return ask


def first_line(*command):
    return subprocess.run(command, capture_output=True, text=True).stdout.partition('\n')[0].strip()


def machine():
    with open('/proc/cpuinfo') as file:
        model = re.search(r'model name\s*: (.*)', file.read())
    memory = os.sysconf('SC_PAGE_SIZE') * os.sysconf('SC_PHYS_PAGES') / 2**30
    return f'{os.cpu_count()} cores of {model[1] if model else platform.machine()}, {memory:.0f} GB'


def conditions(ground, scale, rivals):
    return {
        'at': datetime.datetime.now(datetime.timezone.utc).isoformat(timespec='seconds'),
        'scale': scale,
        'machine': machine(),
        'kernel': platform.release(),
        'load_before': os.getloadavg()[0],
        'jobd': first_line(ground.jobd, '--version'),
        'commit': first_line('git', '-C', ROOT, 'describe', '--always', '--dirty'),
        'postgres': ground.sql('show server_version')[0][0],
        'postgres_settings': dict(
            ground.sql(
                "select name, setting from pg_settings where name in ('fsync', 'synchronous_commit', 'shared_buffers', "
                "'max_connections', 'max_wal_size', 'wal_sync_method')"
            )
        ),
        'redis': re.search(r'redis_version:(\S+)', ground.redis('info', 'server'))[1],
        'redis_settings': {
            name: ground.redis('config', 'get', name).split()[-1] for name in ('appendonly', 'appendfsync')
        },
        'rivals': rivals,
    }


def run(ask):
    wanted = ask.rows or list(ROWS)
    needed = set(wanted).union(*(NEEDS.get(row, '') for row in wanted))
    figures = []
    with Ground(f'{ask.build}/app/jobd') as ground:
        ground.age_postgres()
        ground.fresh()
        size = Size(ask.scale)
        about = conditions(ground, ask.scale, peers.versions() if ask.peers else {})
        rows = Rows(
            ground, size, f'{ask.build}/bench/jobd_bench_constant', f'{ask.build}/bench/jobd_bench_paced'
        )
        for row in (row for row in ROWS if row in needed):
            print(f'row {row} …', file=sys.stderr, flush=True)
            figures += rows.run(row)
        if ask.peers:
            peers.add(figures, ground, size)
    print(report.table(figures))
    print(f'Every job that was accepted is final, once: {rows.final:,} jobs.')
    if ask.scale >= 1:
        print(
            f'Kept as {os.path.relpath(report.save(f"{ROOT}/bench/results", figures, about))}.json and .svg'
        )


if __name__ == '__main__':
    # So that the servers and their folder go, too.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    try:
        run(arguments())
    except (RuntimeError, TimeoutError) as failure:
        sys.exit(f'bench: {failure}')
    except KeyboardInterrupt:
        sys.exit(130)
