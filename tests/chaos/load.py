"""Steady requests of all kinds, by a seed, and what was answered."""

import http.client
import json
import random
import threading
import time

from .history import Exchange

# Objects that are asked for again and again, so that most answers are duplicates.
HOT_OBJECTS = 8
THREADS = 16
TYPES = ['quick'] * 5 + ['work'] * 4 + ['flaky']


class Load:
    """Runs from entering to leaving. `exchanges` grows meanwhile."""

    def __init__(self, ports, seed, rate=40):
        self.ports, self.seed, self.rate = ports, seed, rate
        self.exchanges = []
        self._ids = []
        self._objects = iter(range(1000, 10**9))
        self._over = threading.Event()
        self._threads = [
            threading.Thread(target=self._client, args=(n,), daemon=True) for n in range(THREADS)
        ]

    def __enter__(self):
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *unused):
        self._over.set()
        for thread in self._threads:
            thread.join()

    def _client(self, number):
        dice = random.Random(f'{self.seed} {number}')
        connections = {}
        due = time.monotonic() + dice.random()
        while not self._over.wait(max(0, due - time.monotonic())):
            due = max(due + THREADS / self.rate, time.monotonic() - 1)
            self.ask(connections, dice.choice(self.ports), *self._request(dice))

    def _request(self, dice):
        what = dice.random()
        if what < 0.55 or not self._ids:
            return 'POST', '/v1/jobs', self._job(dice, dice.choice(TYPES), next(self._objects))
        if what < 0.7:
            return 'POST', '/v1/jobs', self._job(dice, 'quick', dice.randrange(HOT_OBJECTS))
        job = dice.choice(self._ids[-300:])
        if what < 0.77:
            return 'DELETE', f'/v1/jobs/{job}', None
        if what < 0.84:
            return 'POST', f'/v1/jobs/{job}/retry', None
        return 'GET', f'/v1/jobs/{job}', None

    @staticmethod
    def _job(dice, kind, object_id):
        job = {'object_id': object_id, 'type': kind}
        return {**job, 'max_attempts': 3} if kind == 'flaky' else job

    def ask(self, connections, port, method, path, body=None, ours=True):
        """Sends one request, keeps and returns its exchange. `connections`: those of one thread, by port. `ours`: the
        load may cancel and retry the job."""
        connection = connections.pop(port, None) or http.client.HTTPConnection('127.0.0.1', port, timeout=20)
        exchange = Exchange(time.time(), 0, method, path, body)
        try:
            connection.request(
                method,
                path,
                json.dumps(body) if body else None,
                {'Content-Type': 'application/json'} if body else {},
            )
            answer = connection.getresponse()
            text = answer.read()
            exchange.status = answer.status
            exchange.answer = json.loads(text)
            connections[port] = connection
        except (OSError, http.client.HTTPException, ValueError):
            connection.close()
        exchange.answered = time.time()
        self.exchanges.append(exchange)
        if exchange.status == 201 and ours:
            self._ids.append(exchange.answer['job_id'])
        return exchange

    def submit(self, port, kind, **fields):
        """The id of a job that the load would not make itself."""
        job = {'object_id': next(self._objects), 'type': kind, **fields}
        exchange = self.ask({}, port, 'POST', '/v1/jobs', job, ours=False)
        if exchange.status != 201:
            raise RuntimeError(f'a job was not accepted: {exchange.status} {exchange.answer}')
        return exchange.answer['job_id']
