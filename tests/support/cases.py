"""How tests in Python say what came of them: as Boost.Test does, so that ./dev test counts them alike."""

import sys
import unittest


def tell(cases, failed):
    """Gives the exit code, too."""
    print(f'  {cases - failed} test cases out of {cases} passed')
    print(f'  {failed} test cases out of {cases} failed')
    return int(failed > 0 or not cases)


def main():
    """Runs the test cases of the main module."""
    outcome = unittest.main(exit=False).result
    failed = {test for test, _ in outcome.failures + outcome.errors}
    sys.exit(tell(outcome.testsRun, len(failed)))
