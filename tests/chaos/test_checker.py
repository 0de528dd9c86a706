"""The checker finds nothing in a clean history, and each fault that is planted in one. ctest runs it; by hand:
python3 -m unittest tests/chaos/test_checker.py"""

import tempfile
import unittest

from ..support import cases
from .checker import check
from .history import Exchange, Fault, History, Work


def job(number, **fields):
    return {
        'id': number,
        'object_id': number,
        'type': 'work',
        'status': 'success',
        'attempt': 1,
        'node_id': 1,
        'result': {'attempt': fields.get('attempt', 1)},
        'created_at': 100.0,
        'start_time': 101.0,
        'end_time': 103.0,
        **fields,
    }


def attempt(number, which, outcome, **fields):
    return {
        'job_id': number,
        'attempt': which,
        'outcome': outcome,
        'node_id': 1,
        'start_time': 101.0,
        'end_time': 103.0,
        **fields,
    }


def submitted(number, status=201, sent=100.0):
    body = {'object_id': number, 'type': 'work'}
    return Exchange(sent, sent + 0.1, 'POST', '/v1/jobs', body, status, {'job_id': number})


def got(number, status, which, sent=150.0):
    answer = {'id': number, 'status': status, 'attempt': which}
    return Exchange(sent, sent + 0.1, 'GET', f'/v1/jobs/{number}', None, 200, answer)


def worked(number, which, worker, start, end):
    return [
        Work(start, number, which, worker, 'start'),
        Work((start + end) / 2, number, which, worker, 'tick'),
        Work(end, number, which, worker, 'end'),
    ]


class Checker(unittest.TestCase):
    def setUp(self):
        """Job 1 succeeds; 2 has a duplicate; 3 fails, and again; 4 loses its worker, which is killed, and a late result;
        5 loses one that is stopped; 6 is given back; 7 is cancelled before it runs."""
        killed = Fault(105, 105, 'SIGKILL', [11])
        stopped = Fault(105, 125, 'SIGSTOP', [22])
        self.h = History(
            exchanges=[submitted(n) for n in range(1, 8)]
            + [submitted(2, 200, 103.0), got(1, 'success', 1), got(3, 'failed', 2), got(7, 'cancelled', 0)],
            work=worked(1, 1, 11, 101.1, 102.9)
            + worked(2, 1, 11, 101.1, 102.9)
            + worked(3, 1, 11, 101.1, 102.9)[:2]
            + worked(3, 2, 11, 104.1, 104.9)[:2]
            + worked(4, 1, 11, 103.1, 107)[:1]
            + worked(4, 2, 22, 115.1, 117)
            + worked(5, 1, 22, 103.1, 126)
            + worked(5, 2, 33, 116.1, 117)
            + worked(6, 1, 11, 101.1, 102)[:1]
            + worked(6, 2, 33, 104.1, 105),
            faults=[killed, stopped],
            tables={
                'jobs': [
                    job(1),
                    job(2),
                    job(3, status='failed', attempt=2, result=None, start_time=104.0, end_time=105.0),
                    job(4, attempt=2, node_id=2, start_time=115.0, end_time=117.1),
                    job(5, attempt=2, node_id=3, start_time=116.0, end_time=117.1),
                    job(6, attempt=2, node_id=3, start_time=104.0, end_time=105.1),
                    job(7, status='cancelled', attempt=0, node_id=None, result=None, start_time=None),
                    # Its key was that of job 2, whose window was over.
                    job(8, object_id=2, created_at=105.0, start_time=106.0, end_time=107.0),
                ],
                'job_attempts': [
                    attempt(3, 1, 'failed'),
                    attempt(4, 1, 'lost', start_time=103.0, end_time=114.9),
                    attempt(4, 1, 'refused', end_time=130.0),
                    attempt(5, 1, 'lost', node_id=2, start_time=103.0, end_time=115.9),
                    attempt(6, 1, 'released'),
                ],
            },
            nodes={1: 11, 2: 22, 3: 33},
            dedupe_window=5,
            kill_grace=1,
        )
        self.h.exchanges.append(submitted(8, 201, 105.1))
        self.h.work += worked(8, 1, 33, 106.1, 106.9)

    def faults(self):
        return check(self.h).faults

    def row(self, number):
        return next(j for j in self.h.tables['jobs'] if j['id'] == number)

    def record(self, number, outcome):
        return next(
            a for a in self.h.tables['job_attempts'] if (a['job_id'], a['outcome']) == (number, outcome)
        )

    # ---------------------------------------------------------------------------- clean

    def test_finds_nothing_in_a_clean_history(self):
        self.assertEqual(self.faults(), [])

    def test_counts_what_happened(self):
        verdict = check(self.h)
        self.assertEqual((verdict.accepted, verdict.lost, verdict.doubled, verdict.refused), (8, 0, 0, 1))
        self.assertEqual(verdict.recoveries, [10, 11])

    def test_finds_the_same_in_a_history_that_was_kept(self):
        with tempfile.TemporaryDirectory() as folder:
            self.h.save(folder)
            self.assertEqual(History.load(folder), self.h)

    def test_does_not_count_an_outage_as_time_to_recover(self):
        self.row(4)['start_time'] = 134.0
        self.row(4)['end_time'] = 135.0
        self.record(4, 'lost')['end_time'] = 133.0
        self.h.faults.append(Fault(106, 125, 'PostgreSQL away', [], True))
        self.assertEqual(self.faults(), [])

    def test_lets_a_retry_change_what_was_final(self):
        self.h.exchanges += [
            got(4, 'failed', 1, 104.0),
            Exchange(104.1, 104.2, 'POST', '/v1/jobs/4/retry', None, 200, {}),
        ]
        self.assertEqual(self.faults(), [])

    # ---------------------------------------------------------------------------- planted

    def test_accepted_job_without_a_row_is_named(self):
        self.h.exchanges.append(submitted(9))
        self.assertEqual(self.faults(), ['job 9 was accepted and is gone'])
        self.assertEqual(check(self.h).lost, 1)

    def test_job_that_is_not_final_is_named(self):
        self.row(7)['status'] = 'created'
        self.h.exchanges = [e for e in self.h.exchanges if e.path != '/v1/jobs/7']
        self.assertEqual(self.faults(), ['job 7 is created'])
        self.assertEqual(check(self.h).lost, 1)

    def test_final_status_that_changed_is_named(self):
        self.h.exchanges.append(got(1, 'failed', 1))
        self.assertEqual(self.faults(), ['job 1 was failed at attempt 1, and then success at 1'])

    def test_final_job_that_ran_again_is_named(self):
        self.h.exchanges.append(got(6, 'success', 1))
        self.assertEqual(self.faults(), ['job 6 was success at attempt 1, and then success at 2'])

    def test_two_ids_in_a_window_are_named(self):
        self.row(8)['created_at'] = 104.9
        self.assertEqual(self.faults(), ['jobs 2 and 8 have one key and are 4.900 s apart'])

    def test_id_that_outlived_its_window_is_named(self):
        self.h.exchanges.append(submitted(2, 200, 105.5))
        self.assertEqual(self.faults(), ['job 2 stood for its key 5.500 s after it was created'])

    def test_attempt_without_an_outcome_is_named(self):
        self.h.tables['job_attempts'].remove(self.record(6, 'released'))
        self.assertEqual(self.faults(), ['attempt 1 of job 6, whose last is 2, has 0 outcomes'])
        self.assertEqual(check(self.h).doubled, 1)

    def test_attempt_with_two_outcomes_is_named(self):
        self.h.tables['job_attempts'].append(attempt(6, 1, 'lost'))
        self.assertEqual(self.faults(), ['attempt 1 of job 6, whose last is 2, has 2 outcomes'])

    def test_success_of_an_attempt_that_was_lost_is_named(self):
        self.h.tables['job_attempts'].append(attempt(8, 1, 'lost', node_id=9, end_time=108.0))
        self.assertEqual(self.faults(), ['attempt 1 of job 8, whose last is 1, has 1 outcomes'])

    def test_record_of_an_attempt_that_never_was_is_named(self):
        self.h.tables['job_attempts'].append(attempt(7, 1, 'failed'))
        self.assertEqual(self.faults(), ['attempt 1 of job 7 is after its last one'])

    def test_result_of_a_superseded_attempt_is_named(self):
        self.row(4)['result'] = {'attempt': 1}
        self.assertEqual(self.faults(), ['job 4 has the result of attempt 1, and its last attempt is 2'])
        self.assertEqual(check(self.h).doubled, 1)

    def test_success_without_an_end_of_its_work_is_named(self):
        self.h.work = [w for w in self.h.work if (w.job, w.what) != (1, 'end')]
        self.assertEqual(self.faults(), ['job 1 has the result of attempt 1, which has not ended'])

    def test_work_after_the_end_of_the_job_is_named(self):
        self.h.work.append(Work(103.5, 1, 1, 11, 'tick'))
        self.assertEqual(self.faults(), ['attempt 1 of job 1 did `tick` 0.500 s after its end'])

    def test_work_after_a_failed_attempt_is_named(self):
        self.h.work.append(Work(104.5, 3, 1, 11, 'tick'))
        self.assertEqual(self.faults(), ['attempt 1 of job 3 did `tick` 1.500 s after its end'])

    def test_work_after_a_cancel_is_named(self):
        self.row(8)['status'] = 'cancelled'
        self.h.work.append(Work(107.5, 8, 1, 33, 'tick'))
        self.assertEqual(self.faults(), ['attempt 1 of job 8 did `tick` 0.500 s after its end'])

    def test_work_after_it_was_given_back_is_named(self):
        self.h.work.append(Work(103.5, 6, 1, 11, 'tick'))
        self.assertEqual(self.faults(), ['attempt 1 of job 6 did `tick` 0.500 s after its end'])

    def test_work_for_a_worker_that_was_killed_is_named(self):
        self.h.work.append(Work(107.0, 4, 1, 11, 'tick'))
        self.assertEqual(self.faults(), ['attempt 1 of job 4 did `tick` 2.000 s after its worker was killed'])

    def test_work_of_a_node_that_was_given_up_is_named(self):
        self.h.work.append(Work(135.0, 5, 1, 22, 'tick'))
        self.assertEqual(self.faults(), ['attempt 1 of job 5 did `tick` 19.100 s after it was given up'])

    def test_recovery_that_took_too_long_is_named(self):
        self.row(4).update(start_time=121.0, end_time=123.0)
        self.assertEqual(
            self.faults(), ['job 4 ran again 16.0 s after the node of its attempt 1 fell silent']
        )


if __name__ == '__main__':
    cases.main()
