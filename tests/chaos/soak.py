"""Half the peak rate, for long: what jobd and its tables take must stay as it is. `./dev soak` starts it."""

import argparse
import os
import signal
import sys

from bench import load
from bench.ground import Ground, within
from bench.rows import DRAINING

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
# Seconds that a finished job is kept, so that pruning is as busy as all the rest, and its key.
KEPT = 300
# How much more than in the middle third of the time each may be in the last one, as a part of it.
MAY_GROW = 0.1

TABLES = ('jobs', 'job_dedupe', 'job_attempts', 'job_count_deltas', 'nodes')
SIZES = 'select ' + ', '.join(f"pg_total_relation_size('{table}') / 1048576.0" for table in TABLES)


def descriptors(process):
    return len(os.listdir(f'/proc/{process.popen.pid}/fd'))


def figures(ground, api, worker, times):
    """What is noted each minute, by name. `times`: of this minute's requests, in ms."""
    table, dedupe, *others = map(float, ground.sql(SIZES)[0])
    return {
        'requests': len(times),
        'p50, ms': load.percentile(times, 50),
        'p99, ms': load.percentile(times, 99),
        'API, MB': api.rss_mb(),
        'worker, MB': worker.rss_mb(),
        'API, descriptors': descriptors(api),
        'worker, descriptors': descriptors(worker),
        'connections': ground.number(
            "select count(*) from pg_stat_activity where backend_type = 'client backend'"
        )
        - 1,
        'jobs, millions': ground.number('select sum(n) from job_counts') / 1e6,
        'open jobs': ground.number("select count(*) from jobs where status in ('created', 'running')"),
        'jobs, MB': table,
        'job_dedupe, MB': dedupe,
        'other tables, MB': sum(others),
        'Redis, MB': int(ground.redis('info', 'memory').split('used_memory:')[1].split()[0]) / 2**20,
    }


def grown(minutes):
    """Those that did not stay flat, each as one line. The tables fill until the first jobs are pruned."""
    flat = [name for name in minutes[0] if name.endswith(('MB', 'descriptors', 'connections'))]
    third = len(minutes) // 3
    if not third:
        return []
    found = []
    for name in flat:
        middle = max(m[name] for m in minutes[third : 2 * third])
        last = max(m[name] for m in minutes[2 * third :])
        # One more or less of a small number is no growth.
        if last > middle * (1 + MAY_GROW) + 1:
            found.append(f'{name} grew from {middle:.1f} to {last:.1f}')
    return found


def row(values):
    return '| ' + ' | '.join(values) + ' |'


def number(value):
    return f'{value:,.0f}' if value >= 100 or value == int(value) else f'{value:.1f}'


def soak(ask):
    with Ground(f'{ask.build}/app/jobd') as ground:
        ground.fresh()
        settings = {'JOB_RETENTION': KEPT}
        api, worker = ground.api(**settings), ground.worker(**DRAINING, **settings)
        within(
            60, 'the worker registers', lambda: ground.number('select count(*) from nodes where slots > 0')
        )
        peak = load.wrk(api.port, 10, 10**12)
        rate = ask.rate or peak['jobs'] / peak['seconds'] / 2
        print(
            f'{ask.minutes} minutes at {rate:,.0f} requests a second; the peak beside the worker is '
            f'{peak["jobs"] / peak["seconds"]:,.0f}',
            flush=True,
        )
        minutes, sent = [], 0
        for minute in range(ask.minutes):
            times = load.paced(f'{ask.build}/bench/jobd_bench_paced', api.port, rate, 60, sent)
            sent += len(times)
            minutes.append(figures(ground, api, worker, times))
            if minute == 0:
                print(row(['minute', *minutes[0]]))
                print(row(['---'] * (len(minutes[0]) + 1)))
            print(row([str(minute + 1), *map(number, minutes[-1].values())]), flush=True)
        accepted(ground, sent + peak['jobs'], peak['unanswered'])
    return grown(minutes)


def accepted(ground, jobs, unanswered):
    """All that were accepted have succeeded, those that are pruned by now, too."""
    within(
        120,
        'all is final',
        lambda: not ground.number("select count(*) from jobs where status in ('created', 'running')"),
        1,
    )
    highest = ground.number('select max(id) from jobs')
    failed = ground.number("select count(*) from jobs where status <> 'success'")
    if failed or not jobs <= highest <= jobs + unanswered:
        raise RuntimeError(
            f'{jobs:,} jobs were accepted; the last id is {highest:,.0f}, {failed:,.0f} did not succeed'
        )
    print(f'{jobs:,} jobs were accepted, and all that are kept have succeeded')


def arguments():
    parser = argparse.ArgumentParser(prog='./dev soak', description=__doc__)
    parser.add_argument('minutes', type=int, nargs='?', default=30)
    parser.add_argument('--rate', type=float, help='requests a second, instead of half the peak')
    parser.add_argument('--build', default=f'{ROOT}/build/Release', help=argparse.SUPPRESS)
    ask = parser.parse_args()
    if ask.minutes < 1:
        parser.error(f'there must be a minute at least, not {ask.minutes}')
    if ask.rate is not None and not ask.rate > 0:
        parser.error(f'--rate must be above 0, not {ask.rate:g}')
    return ask


if __name__ == '__main__':
    # So that the servers and their folder go, too.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    try:
        faults = soak(arguments())
    except (RuntimeError, TimeoutError) as failure:
        sys.exit(f'soak: {failure}')
    except KeyboardInterrupt:
        sys.exit(130)
    sys.exit('\n'.join(faults) if faults else 0)
