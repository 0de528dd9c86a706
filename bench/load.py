"""What sends requests: wrk for the most that goes, and a client of our own for a rate."""

import contextlib
import json
import os
import select
import socket
import subprocess
import time

HERE = os.path.dirname(os.path.abspath(__file__))


def percentile(values, percent):
    """The smallest value that so many percent of all do not exceed."""
    ordered = sorted(values)
    return ordered[max(0, -(-len(ordered) * percent // 100) - 1)]


def wrk(port, seconds, first_object, batch=1, connections=64):
    """Posts jobs as fast as they are answered; object_ids count up from first_object. The answer has `jobs` (those
    that were answered), `seconds`, `p50` and `p99` of the requests in ms, `refused` and `unanswered`, the jobs
    that may have been accepted when the time was over and wrk hung up."""
    url = f'http://127.0.0.1:{port}/v1/jobs' + ('/batch' if batch > 1 else '')
    done = subprocess.run(
        ['wrk', '-t', '1', '-c', str(connections), '-d', f'{seconds}s', '--timeout', '30s', '-s', f'{HERE}/submit.lua',
         url, '--', str(first_object), str(batch)], capture_output=True, text=True, check=True)
    answer = json.loads(done.stdout.rpartition('figures ')[2])
    if answer['refused']:
        raise RuntimeError(f"{answer['refused']} of {answer['requests']} requests failed: {done.stdout}")
    return {**answer, 'jobs': answer['requests'] * batch, 'unanswered': connections * batch}


def request(object_id):
    body = b'{"object_id":%d}' % object_id
    return (b'POST /v1/jobs HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n'
            % len(body)) + body


class Connection:
    """One request at a time. An answer of jobd's is small and ends with the bracket of its JSON."""

    def __init__(self, port):
        self.socket = socket.create_connection(('127.0.0.1', port))
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.got = b''

    def send(self, data):
        self.socket.sendall(data)

    def receive(self):
        """The answer's JSON, or None if it is not whole yet."""
        part = self.socket.recv(65536)
        if not part:
            raise RuntimeError('jobd closed a connection')
        self.got += part
        head, _, body = self.got.partition(b'\r\n\r\n')
        if not body.rstrip().endswith(b'}'):
            return None
        self.got = b''
        if head[9:12] != b'201':
            raise RuntimeError(f'{head.splitlines()[0].decode()}: {body.decode()}')
        return body

    def post(self, object_id):
        """The id of the job."""
        self.send(request(object_id))
        while (body := self.receive()) is None:
            pass
        return json.loads(body)['job_id']


def paced(port, rate, seconds, first_object, connections=64):
    """Posts `rate` jobs a second, each at its time, whether or not the ones before have been answered. The answer is
    the time of each in ms, from when it was due: what had to wait for a connection, or for this client, counts as slow.
    """
    with contextlib.ExitStack() as opened:
        idle = [Connection(port) for _ in range(connections)]
        for c in idle:
            opened.callback(c.socket.close)
        return post_on_time(idle, rate, max(1, int(rate * seconds)), first_object)


def post_on_time(idle, rate, total, first_object):
    poll, by_descriptor = select.epoll(), {c.socket.fileno(): c for c in idle}
    for descriptor in by_descriptor:
        poll.register(descriptor, select.EPOLLIN)
    due_of, times = {}, []
    sent, start = 0, time.perf_counter()
    while len(times) < total:
        while sent < total and idle and (due := start + sent / rate) <= time.perf_counter():
            c = idle.pop()
            due_of[c] = due
            c.send(request(first_object + sent))
            sent += 1
        # select, as it waits for microseconds, where epoll's own wait has milliseconds.
        wait = max(0, start + sent / rate - time.perf_counter()) if idle and sent < total else 30
        select.select([poll], [], [], wait)
        for descriptor, _ in poll.poll(0):
            c = by_descriptor[descriptor]
            if c.receive() is not None:
                times.append((time.perf_counter() - due_of.pop(c)) * 1000)
                idle.append(c)
    return times
