"""What happened in a run, as seen from outside: what clients were answered, what handlers wrote while they worked, what
was done to the cluster, and what the tables hold in the end. All times are seconds since 1970, of one machine."""

import dataclasses
import json
import os

TABLES = {
    'jobs': (
        'id, object_id, type, status, attempt, failures, recoveries, node_id, message, result, max_attempts, '
        'created_at, start_time, end_time'
    ),
    'job_attempts': 'job_id, attempt, outcome, node_id, start_time, end_time, message',
}


@dataclasses.dataclass
class Exchange:
    """A request and its answer; `status` is None if none came. `answer` is None unless it was JSON."""

    sent: float
    answered: float
    method: str
    path: str
    body: dict | None = None
    status: int | None = None
    answer: object = None


@dataclasses.dataclass
class Work:
    """A line that a handler wrote: `what` is start, tick or end. `worker` is the pid of its worker."""

    at: float
    job: int
    attempt: int
    worker: int
    what: str


@dataclasses.dataclass
class Fault:
    """What was done, and until when. `pids`: the processes of jobd that it was done to. `outage`: nobody could work."""

    at: float
    until: float
    what: str
    pids: list = dataclasses.field(default_factory=list)
    outage: bool = False


@dataclasses.dataclass
class History:
    exchanges: list
    work: list
    faults: list
    # By name, rows as dicts; times are numbers.
    tables: dict
    # pid of the process by id of the node.
    nodes: dict
    dedupe_window: float
    # Seconds between TERM and KILL.
    kill_grace: float

    def save(self, folder):
        os.makedirs(folder, exist_ok=True)
        with open(os.path.join(folder, 'history.json'), 'w') as file:
            json.dump(dataclasses.asdict(self), file)

    @staticmethod
    def load(folder):
        with open(os.path.join(folder, 'history.json')) as file:
            read = json.load(file)
        return History(
            **{
                **read,
                'exchanges': [Exchange(**e) for e in read['exchanges']],
                'work': [Work(**w) for w in read['work']],
                'faults': [Fault(**f) for f in read['faults']],
                'nodes': {int(node): pid for node, pid in read['nodes'].items()},
            }
        )


def read_work(path):
    """The lines of the handlers' log. Each was written in one piece, but its writer may have been killed before."""
    work = []
    if os.path.exists(path):
        with open(path) as file:
            for line in file:
                at, job, attempt, worker, what = line.split()
                work.append(Work(float(at), int(job), int(attempt), int(worker), what))
    return work


def query(table):
    """A query whose one answer is the table as JSON, with times as numbers."""
    columns = [
        f"extract(epoch from {c} at time zone 'utc') as {c}" if c.endswith(('_at', '_time')) else c
        for c in TABLES[table].split(', ')
    ]
    return f"select coalesce(json_agg(t), '[]') from (select {', '.join(columns)} from {table}) t"
