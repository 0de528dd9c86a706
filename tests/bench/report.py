"""What the benchmark makes of its figures. ctest runs it; by hand: python3 -m unittest tests/bench/report.py"""

import datetime
import http.server
import json
import os
import tempfile
import threading
import unittest
import xml.etree.ElementTree

import bench.__main__  # noqa: F401
from bench import load, report
from bench.rows import Figure, Rows, Size

from ..support import cases

FIGURES = [
    Figure('1', 'submit, one job a request', 'jobs/s', 9000, 20000, {'a <b>': 4500.4, 'c': 6000}),
    Figure('1', 'p99 at the peak', 'ms', 12.34, 1.5),
    Figure('3', 'drain 1,000 jobs that do nothing', 'jobs/s', 0.5),
]


class Percentile(unittest.TestCase):
    def test_is_a_value_that_so_many_do_not_exceed(self):
        values = list(range(100, 0, -1))
        self.assertEqual([load.percentile(values, p) for p in (1, 50, 99, 100)], [1, 50, 99, 100])

    def test_of_few_values_is_one_of_them(self):
        self.assertEqual([load.percentile([7], p) for p in (0, 50, 99)], [7, 7, 7])
        self.assertEqual([load.percentile([1, 2, 3], p) for p in (50, 99)], [2, 3])


class Table(unittest.TestCase):
    def test_has_a_line_for_each_figure_and_aligned_columns(self):
        lines = report.table(FIGURES).splitlines()
        self.assertEqual(len(lines), 4)
        self.assertRegex(
            lines[1], r'^1    submit, one job a request +9,000  20,000   0\.45  jobs/s  a <b> 4,500, c 6,000$'
        )
        self.assertEqual(lines[0].index('unit'), lines[1].index('jobs/s'))

    def test_has_no_ratio_where_less_is_better_or_there_is_no_limit(self):
        self.assertEqual([report.ratio(f) for f in FIGURES], [0.45, None, None])
        self.assertNotRegex(report.table(FIGURES).splitlines()[3], r'0\.50 .*0\.50')

    def test_shows_three_digits(self):
        self.assertEqual(
            [report.number(n) for n in (1234.5, 99.94, 0.456, 0, None)], ['1,234', '99.9', '0.46', '0.00', '']
        )


class Saved(unittest.TestCase):
    def test_second_run_of_a_day_keeps_the_first(self):
        day = datetime.date(2026, 1, 2)
        with tempfile.TemporaryDirectory() as folder:
            names = [os.path.basename(report.save(folder, FIGURES, {'machine': 'm'}, day)) for _ in range(3)]
            self.assertEqual(names, ['2026-01-02', '2026-01-02-2', '2026-01-02-3'])
            with open(os.path.join(folder, '2026-01-02-2.json')) as file:
                kept = json.load(file)
        self.assertEqual(kept['conditions'], {'machine': 'm'})
        self.assertEqual(kept['figures'][0]['ratio'], 0.45)
        self.assertEqual(len(kept['figures']), 3)

    def test_plot_is_xml_with_a_bar_for_each_value_as_long_as_it_is_large(self):
        plot = xml.etree.ElementTree.fromstring(report.plot(FIGURES, 'a <machine>'))
        bars = [(r.get('class'), int(r.get('width'))) for r in plot.iter('{http://www.w3.org/2000/svg}rect')]
        full = report.WIDTH
        # jobd, the rivals from the fastest on, the limit; then the drain, which has jobd's own scale.
        self.assertEqual(
            bars,
            [
                ('jobd', round(full * 0.45)),
                ('rival', round(full * 0.3)),
                ('rival', round(full * 0.22502)),
                ('limit', full),
                ('jobd', full),
            ],
        )


class Promise(unittest.TestCase):
    def test_holds_between_what_was_answered_and_what_was_sent(self):
        counted = Rows(None, Size(1), None, None)
        for there in (100, 164):
            counted._count(100, 64, there, there, 0)
        self.assertEqual(counted.final, 264)

    def test_is_broken_by_a_job_that_is_missing_or_too_many_or_failed_or_ran_twice(self):
        for there, succeeded, again in ((99, 99, 0), (165, 165, 0), (100, 99, 0), (100, 100, 1)):
            with self.assertRaises(RuntimeError):
                Rows(None, Size(1), None, None)._count(100, 64, there, succeeded, again)


class Answer(http.server.BaseHTTPRequestHandler):
    protocol_version = 'HTTP/1.1'
    # One packet an answer.
    wbufsize = -1
    status = 201
    seen = []

    def do_POST(self):
        body = self.rfile.read(int(self.headers['Content-Length']))
        self.seen.append(json.loads(body)['object_id'])
        answer = b'{"job_id": 1}'
        self.send_response(self.status)
        self.send_header('Content-Length', str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, *unused):
        pass


class Client(unittest.TestCase):
    def setUp(self):
        Answer.seen, Answer.status = [], 201
        self.server = http.server.HTTPServer(('127.0.0.1', 0), Answer)
        threading.Thread(target=self.server.serve_forever, args=(0.01,), daemon=True).start()
        self.client = load.Connection(self.server.server_port)

    def tearDown(self):
        self.client.http.close()
        self.server.shutdown()
        self.server.server_close()

    def test_posts_the_object_and_reads_the_id(self):
        self.assertEqual([self.client.post(7), self.client.post(8)], [1, 1])
        self.assertEqual(Answer.seen, [7, 8])

    def test_answer_that_is_not_201_ends_the_run(self):
        Answer.status = 200
        with self.assertRaisesRegex(RuntimeError, '200'):
            self.client.post(7)


if __name__ == '__main__':
    cases.main()
