"""After a bug in the kernel no user instruction runs any more."""

from __future__ import annotations

from starrylab.kernel.files.eventfd import EventFd
from starrylab.kernel.mm.space import AddressSpace
from tests.kernel.conftest import SCRATCH


def _broken(*_args: object, **_options: object) -> None:
    raise ZeroDivisionError("planted")


def test_a_bug_in_a_call_stops_the_caller_there(lab, monkeypatch):
    monkeypatch.setattr(EventFd, "__init__", _broken)
    after = []

    def program(m):
        yield m.call("getpid")
        yield m.call("eventfd2", 0, 0)
        after.append("went on")
        yield m.call("exit_group", 1)

    lab.start(program)
    lab.kernel.executor.run()
    assert "ZeroDivisionError: planted" in lab.kernel.panic_text
    assert after == []
    assert lab.exit_status is None


def test_a_bug_in_a_page_fault_is_not_the_programs_fault(lab, monkeypatch):
    after = []

    def program(m):
        monkeypatch.setattr(AddressSpace, "fault", _broken)
        m.load(SCRATCH, 8)
        after.append("went on")
        yield m.call("exit_group", 1)

    thread = lab.start(program)
    lab.kernel.executor.run()
    assert "ZeroDivisionError: planted" in lab.kernel.panic_text
    assert after == []
    assert thread.signals.pending_any() is False
    assert lab.exit_status is None
