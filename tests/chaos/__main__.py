"""Breaks a cluster under load and proves that nothing was lost; `./dev chaos` builds what it needs and starts it."""

import argparse
import os
import random
import shutil
import signal
import sys
import time

from bench.ground import within
from bench.load import percentile

from ..support import cases
from . import checker
from .cluster import Cluster, can_mount
from .load import Load
from .scenarios import FROM_OLD, ON_SMALL_DISK, SCENARIOS, Run, mix

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
# A small one: it holds the log of some 40 requests a second, and is soon full.
DISK_MB = 256


def arguments():
    parser = argparse.ArgumentParser(
        prog='./dev chaos',
        description='Breaks a cluster under load; see tests/chaos. Scenarios: ' + ', '.join(SCENARIOS),
    )
    parser.add_argument(
        '--only', action='append', metavar='NAME', choices=SCENARIOS, help='only this one; repeatable'
    )
    parser.add_argument(
        '--minutes', type=float, help='so long one after the other, by chance, on the same cluster'
    )
    parser.add_argument('--seed', type=int, default=random.randrange(10**6), help='the same chances again')
    parser.add_argument('--short', action='store_true', help='as short as in the tests')
    parser.add_argument(
        '--old', metavar='PATH', help='an older jobd, for the migration; without it there is none'
    )
    parser.add_argument('--build', default=f'{ROOT}/build/Release', help=argparse.SUPPRESS)
    ask = parser.parse_args()
    if ask.only and ask.minutes:
        parser.error('--only runs scenarios, and --minutes all of them by chance: give one of both')
    if ask.minutes is not None and not ask.minutes > 0:
        parser.error(f'--minutes must be above 0, not {ask.minutes:g}')
    if ask.old and not os.access(ask.old, os.X_OK):
        parser.error(f'--old must be a program, which {ask.old} is not')
    return ask


def perform(ask, cluster, name, act):
    """Runs `act` under load, and lets everything run out. Gives what was found, and prints it in one line."""
    began = time.monotonic()
    cluster.start(old=name in FROM_OLD)
    dice = random.Random(f'{ask.seed} {name}')
    with Load([node.port for node in cluster.of('api')], dice.random()) as load:
        run = Run(cluster, load, dice, ask.short)
        run.hold(1)
        act(run)
        run.hold(1)
    cluster.revive()
    try:
        within(90, 'all is final', lambda: not cluster.open_jobs(), 0.2)
    except TimeoutError:
        pass  # The checker names them.
    run.check_expected()
    history = cluster.history(load.exchanges, run.faults)
    for node, (seconds, code) in cluster.end().items():
        run.check(code == 0, f'{node} had not ended well {seconds:.1f} s after SIGTERM, code {code}')
    verdict = checker.check(history)
    run.check(verdict.accepted, 'nothing was accepted')
    faults = run.wrong + verdict.faults
    print(line(name, verdict, faults, time.monotonic() - began), flush=True)
    if faults:
        keep(cluster, history, faults, f'{ROOT}/build/chaos/{name}-{ask.seed}')
    return faults


def line(name, verdict, faults, seconds):
    times = verdict.recoveries
    quick = f' (p50 {percentile(times, 50):.1f} s, p99 {percentile(times, 99):.1f} s)' if times else ''
    return (
        f'{name:20} {"FAILED" if faults else "passed"} in {seconds:3.0f} s: {verdict.accepted} jobs accepted, '
        f'{verdict.lost} lost, {verdict.doubled} doubled, {verdict.refused} late results refused, '
        f'{len(times)} recoveries{quick}'
    )


def keep(cluster, history, faults, folder):
    """What is needed to see what happened."""
    shutil.rmtree(folder, ignore_errors=True)
    history.save(folder)
    for log in (
        *cluster.logs.values(),
        cluster.path('postgres.log'),
        cluster.path('redis-server.log'),
        cluster.work_log,
    ):
        if os.path.exists(log):
            shutil.copy(log, folder)
    with open(os.path.join(folder, 'faults'), 'w') as file:
        file.writelines(f'{fault}\n' for fault in faults)
    for fault in faults[:10]:
        print(f'  {fault}')
    print(f'  {len(faults)} faults; kept in {os.path.relpath(folder)}', flush=True)


def mixed(ask):
    def act(run):
        for name in mix(run, ask.minutes):
            print(time.strftime('%H:%M:%S'), name, file=sys.stderr, flush=True)

    return [('mix', act)]


def possible(ask):
    """The scenarios to run, and those for which something is missing, with what it is."""
    scenarios = ask.only or list(SCENARIOS)
    missing = {}
    if not ask.old:
        missing |= dict.fromkeys(FROM_OLD, 'it needs --old')
    if not can_mount():
        missing |= dict.fromkeys(ON_SMALL_DISK, 'only root may mount a small disk')
    return [name for name in scenarios if name not in missing], {
        n: missing[n] for n in scenarios if n in missing
    }


def run(ask):
    print(f'seed {ask.seed}', flush=True)
    if ask.minutes:
        acts, skipped = mixed(ask), {}
    else:
        names, skipped = possible(ask)
        acts = [(name, SCENARIOS[name]) for name in names]
    failed = 0
    for small in (False, True):
        chosen = [(name, act) for name, act in acts if (name in ON_SMALL_DISK) == small]
        if chosen:
            with Cluster(f'{ask.build}/app/jobd', ask.old, DISK_MB if small else None) as cluster:
                failed += sum(bool(perform(ask, cluster, name, act)) for name, act in chosen)
    for name, why in skipped.items():
        print(f'{name:20} skipped: {why}')
    return cases.tell(len(acts), failed)


if __name__ == '__main__':
    # So that the servers and their folder go, too.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    try:
        sys.exit(run(arguments()))
    except (RuntimeError, TimeoutError) as failure:
        sys.exit(f'chaos: {failure}')
    except KeyboardInterrupt:
        sys.exit(130)
