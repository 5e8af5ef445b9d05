"""Runs inside the lab: CPython's regrtest, and one JSON line about each test as it starts and ends.

    python3 cpython_guest.py RECORDS ARGUMENT...

The lines reach the host at once: nothing is lost when a test hangs or takes the lab with it.
"""

# ruff: noqa: N802 (names of unittest)

import json
import os
import sys
import time
import traceback
import unittest

RECORDS = os.open(sys.argv[1], os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o666)
RUNNER = os.getpid()


def record(**line):
    if os.getpid() == RUNNER:  # not in a child that a test forked
        os.write(RECORDS, (json.dumps(line) + "\n").encode())


def told(error):
    return "".join(traceback.format_exception(*error))


class Recorder(unittest.TextTestResult):
    """What regrtest's own class of results does, and the lines."""

    def startTest(self, test):
        self.began = time.monotonic()
        record(start=test.id())
        super().startTest(test)

    def stopTest(self, test):
        record(stop=test.id(), seconds=round(time.monotonic() - self.began, 3))
        super().stopTest(test)

    def addSuccess(self, test):
        record(test=test.id(), outcome="passed")
        super().addSuccess(test)

    def addFailure(self, test, error):
        record(test=test.id(), outcome="failed", text=told(error))
        super().addFailure(test, error)

    def addError(self, test, error):
        record(test=test.id(), outcome="failed", text=told(error))
        super().addError(test, error)

    def addSubTest(self, test, subtest, error):
        if error is not None:
            record(test=test.id(), outcome="failed", text=f"{subtest}\n{told(error)}")
        super().addSubTest(test, subtest, error)

    def addSkip(self, test, reason):
        record(test=test.id(), outcome="skipped", text=reason)
        super().addSkip(test, reason)

    def addExpectedFailure(self, test, error):
        record(test=test.id(), outcome="passed")
        super().addExpectedFailure(test, error)

    def addUnexpectedSuccess(self, test):
        record(test=test.id(), outcome="failed", text="unexpected success")
        super().addUnexpectedSuccess(test)


def main():
    from test.libregrtest import main as regrtest
    from test.libregrtest import testresult

    class Result(Recorder, testresult.RegressionTestResult):
        pass

    testresult.RegressionTestResult = Result
    sys.argv[1:] = sys.argv[2:]
    regrtest.main()


if __name__ == "__main__":
    main()
