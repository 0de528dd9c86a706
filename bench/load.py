"""What sends requests: wrk for the most that goes, and clients of our own for a rate, and for one job at a time."""

import http.client
import json
import os
import subprocess

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
        [
            'wrk',
            '-t',
            '1',
            '-c',
            str(connections),
            '-d',
            f'{seconds}s',
            '--timeout',
            '30s',
            '-s',
            f'{HERE}/submit.lua',
            url,
            '--',
            str(first_object),
            str(batch),
        ],
        capture_output=True,
        text=True,
        check=True,
    )
    answer = json.loads(done.stdout.rpartition('figures ')[2])
    if answer['refused']:
        raise RuntimeError(f'{answer["refused"]} of {answer["requests"]} requests failed: {done.stdout}')
    return {**answer, 'jobs': answer['requests'] * batch, 'unanswered': connections * batch}


class Connection:
    """Posts a job at a time."""

    def __init__(self, port):
        self.http = http.client.HTTPConnection('127.0.0.1', port)

    def post(self, object_id):
        """The id of the job."""
        self.http.request(
            'POST', '/v1/jobs', b'{"object_id":%d}' % object_id, {'Content-Type': 'application/json'}
        )
        answer = self.http.getresponse()
        body = answer.read()
        if answer.status != 201:
            raise RuntimeError(f'{answer.status}: {body.decode()}')
        return json.loads(body)['job_id']


def paced(program, port, rate, seconds, first_object):
    """Posts `rate` jobs a second by paced.cpp; how long each took in ms, from when it was due."""
    done = subprocess.run(
        [program, str(port), str(rate), str(seconds), str(first_object)], capture_output=True, text=True
    )
    if done.returncode:
        raise RuntimeError(f'a request failed: {done.stderr}')
    return [int(line) / 1000 for line in done.stdout.split()]
