"""What the machine does without jobd, by the same statements in their barest form."""

import json
import os
import re
import sqlite3
import subprocess
import time

from .ground import PG_BIN, Process

BATCH = 1000
CLAIM = 100

# The keys are new, as in the row, and no table but these two is written.
SUBMIT = f"""
with asked as materialized (
  select nextval('jobs_id_seq') as id, o as object_id
  from unnest(array(select generate_series(1, {BATCH}))) as o
), won as (
  insert into job_dedupe (type, object_id, job_id, expires_at)
  select 'default', id, id, timezone('utc', now()) + interval '5 minutes' from asked order by id
  on conflict (type, object_id) do nothing
  returning job_id
)
insert into jobs (id, object_id) select job_id, job_id from won;
"""

# Each client has every other hundred of the ids to itself.
DRAIN = f"""
\\set first :nth * 2 * {CLAIM} + :client_id * {CLAIM} + 1
\\set nth :nth + 1
begin;
with picked as (
  select id from jobs
  where id = any(array(select generate_series(:first, :first + {CLAIM - 1}))) and status = 'created'
  order by priority, id for update skip locked
)
update jobs j set status = 'running', attempt = attempt + 1, node_id = 1, start_time = timezone('utc', now())
from picked p where j.id = p.id
returning j.id, j.attempt, j.object_id, j.type, j.queue, j.payload, j.priority, j.timeout;
update jobs set status = 'success', end_time = timezone('utc', now()), result = null
where id = any(array(select generate_series(:first, :first + {CLAIM - 1}))) and attempt = 1 and node_id = 1
  and status = 'running'
returning id;
commit;
"""


def pgbench(ground, script, *options):
    """Transactions a second of two clients, which jobd's default has, too."""
    path = ground.path('pgbench.sql')
    with open(path, 'w') as file:
        file.write(script)
    done = subprocess.run(
        [
            f'{PG_BIN}/pgbench',
            '-n',
            '-M',
            'prepared',
            '-c',
            '2',
            '-h',
            ground.sockets,
            '-U',
            'jobd',
            '-f',
            path,
            *options,
            'jobd',
        ],
        capture_output=True,
        text=True,
    )
    if done.returncode:
        raise RuntimeError(done.stderr[-1000:])
    return float(re.search(r'tps = ([\d.]+)', done.stdout)[1])


def submit_batches(ground, seconds):
    """Jobs a second."""
    ground.fresh()
    return BATCH * pgbench(ground, SUBMIT, '-T', str(seconds))


def drain(ground, jobs):
    """Jobs a second; the jobs must be there, with ids from 1."""
    each = jobs // CLAIM // 2
    rate = CLAIM * pgbench(ground, DRAIN, '-D', 'nth=0', '-t', str(each))
    finished = ground.number("select count(*) from jobs where status = 'success'")
    if finished != each * 2 * CLAIM:
        raise RuntimeError(f'the limit finished {finished} jobs')
    return rate


class Constant:
    """The HTTP server with an answer that costs nothing, see constant.cpp."""

    def __init__(self, program, ground):
        self.process = Process(
            [program], ground.path('constant.log'), stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )

    def __enter__(self):
        self.port = int(self.process.popen.stdout.readline())
        return self

    def __exit__(self, *unused):
        self.process.popen.stdin.close()
        self.process.stop()


def spawn(programs, at_a_time=8):
    """/bin/true a second, so many of them at a time, by nothing but posix_spawn and wait."""
    start = time.perf_counter()
    running = 0
    for _ in range(programs):
        if running == at_a_time:
            os.wait()
        else:
            running += 1
        os.posix_spawn('/bin/true', ['/bin/true'], {})
    for _ in range(running):
        os.wait()
    return programs / (time.perf_counter() - start)


def sqlite_open(path):
    db = sqlite3.connect(path, isolation_level=None)
    db.execute('pragma synchronous = full')
    return db


def sqlite_submit_batches(path, seconds):
    """Jobs a second, into a file with jobd's schema."""
    db = sqlite_open(path)
    asked = json.dumps(list(range(BATCH)))
    batches, start = 0, time.perf_counter()
    while time.perf_counter() - start < seconds:
        db.execute('begin immediate')
        first = db.execute('select coalesce(max(id), 0) + 1 from jobs').fetchone()[0]
        db.execute(
            'insert into job_dedupe (type, object_id, job_id, expires_at) '
            "select 'default', ?1 + value, ?1 + value, 4e15 from json_each(?2) where true "
            'on conflict do nothing',
            (first, asked),
        )
        db.execute(
            'insert into jobs (id, object_id, created_at) select ?1 + value, ?1 + value, 0 from json_each(?2)',
            (first, asked),
        )
        db.execute('commit')
        batches += 1
    return batches * BATCH / (time.perf_counter() - start)


def sqlite_drain(path):
    """Jobs a second; what is in the file is claimed and finished, a hundred in a transaction."""
    db = sqlite_open(path)
    jobs, start = 0, time.perf_counter()
    while True:
        db.execute('begin immediate')
        claimed = db.execute(
            "update jobs set status = 'running', attempt = attempt + 1, node_id = 1, start_time = 1 "
            "where id in (select id from jobs where queue = 'default' and status = 'created' and ready"
            ' order by priority, id limit ?) returning id, attempt, object_id, type, payload',
            (CLAIM,),
        ).fetchall()
        db.execute(
            "update jobs set status = 'success', end_time = 2 where id in (select value from json_each(?)) "
            "and attempt = 1 and node_id = 1 and status = 'running'",
            (json.dumps([c[0] for c in claimed]),),
        )
        db.execute('commit')
        jobs += len(claimed)
        if not claimed:
            return jobs / (time.perf_counter() - start)
