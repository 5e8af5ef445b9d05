"""Going on, ending and letting go: vCont and its older forms, D, k, vKill, vAttach, ``?``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from ..control.api import Action, Kind
from .signals import SIGTRAP, from_gdb
from .values import ALL, ANY, EVERYBODY, GdbError, ThreadId, number, numbers, thread_id

if TYPE_CHECKING:
    from ...kernel.thread import Thread
    from .stub import Handler, Stub

_HOLD: Final = Action(Kind.HOLD)
_KINDS: Final = {b"c": Kind.CONTINUE, b"s": Kind.STEP, b"t": Kind.HOLD, b"r": Kind.STEP}


class _Wish(NamedTuple):
    """One action of a vCont packet."""

    action: Action
    threads: ThreadId

    def fits(self, thread: Thread) -> bool:
        pid, tid = self.threads
        return pid in (ALL, ANY, thread.process.pid) and tid in (ALL, ANY, thread.tid)


def actions(text: bytes) -> list[_Wish]:
    """Return what a vCont packet asks for, in order; raise `GdbError`."""
    return [_wish(part) for part in text.split(b";") if part]


def _wish(part: bytes) -> _Wish:
    what, colon, whom = part.partition(b":")
    threads = thread_id(whom) if colon else EVERYBODY
    letter = what[:1]
    kind = _KINDS.get(letter.lower())
    if kind is None:
        raise GdbError(f"vCont: unknown action {what[:20].decode(errors='replace')!r}")
    if letter in (b"C", b"S"):
        return _Wish(Action(kind, from_gdb(number(what[1:]))), threads)
    if letter == b"r":
        start, end = numbers(what[1:])
        return _Wish(Action(kind, 0, (start, end)), threads)
    if len(what) > 1 or letter.isupper():
        raise GdbError(f"vCont: unknown action {what[:20].decode(errors='replace')!r}")
    return _Wish(Action(kind, 0), threads)


def resume(stub: Stub, wishes: list[_Wish]) -> bytes | None:
    """Let the lab go on; threads that no wish fits stay where they are.

    Processes that gdb does not know run on.  A reply comes at the next stop, or at once if
    nothing that gdb knows would run.
    """
    client, chosen = stub.client, dict[int, Action]()
    client.held = []
    for process in stub.found.traced():
        found = {}
        for thread in process.threads.values():
            wish = next((w for w in wishes if w.fits(thread)), None)
            found[thread.tid] = wish.action if wish is not None else _HOLD
        if all(action.kind is Kind.HOLD for action in found.values()):
            client.held.append(process.pid)
        chosen |= found
    if all(action.kind is Kind.HOLD for action in chosen.values()):
        return b"N" if client.wants("no-resumed") else stub.replies.standing()
    event = client.next_event()
    if event is not None:
        return event
    stub.go_on(chosen)
    return None


def _vcont(stub: Stub, text: bytes) -> bytes | None:
    return resume(stub, actions(text.removeprefix(b";")))


def _vcont_query(stub: Stub, text: bytes) -> bytes:
    return b"vCont;c;C;s;S;t;r"


def _continue_or_step(stub: Stub, letter: bytes, text: bytes) -> bytes | None:
    """Serve ``c``, ``s``, ``C``, ``S``: one thread (Hc), the others as with vCont."""
    signal, _, addr = text.partition(b";") if letter.isupper() else (b"", b"", text)
    if addr:
        thread = stub.found.current()
        stub.writable(thread).context.pc = number(addr)
    wish = _wish(letter + signal)
    whom = stub.client.resumed
    rest = [] if whom.tid > 0 else [_Wish(Action(Kind.CONTINUE, 0), EVERYBODY)]
    if letter.lower() == b"s" and whom.tid <= 0:
        current = stub.found.current()
        whom = ThreadId(current.process.pid, current.tid)
    return resume(stub, [_Wish(wish.action, whom), *rest])


def _why(stub: Stub, text: bytes) -> bytes:
    return stub.replies.standing()


def _detach(stub: Stub, text: bytes) -> bytes:
    """Serve ``D`` and ``D;PID``."""
    client = stub.client
    pids = [number(text[1:])] if text[:1] == b";" else list(client.traced)
    for pid in pids:
        if pid not in client.traced:
            raise GdbError(f"process {pid} is not attached")
        stub.let_go(pid)
    if not client.traced:
        stub.release()
    return b"OK"


def _kill(stub: Stub, text: bytes) -> None:
    """Serve ``k``, which has no reply."""
    for process in stub.found.traced():
        stub.kill(process)


def _kill_one(stub: Stub, text: bytes) -> bytes:
    stub.kill(stub.found.process(number(text.removeprefix(b";"))))
    return b"OK"


def _attach(stub: Stub, text: bytes) -> bytes:
    process = stub.found.living(number(text.removeprefix(b";")))
    stub.trace(process)
    return stub.replies.without_registers(next(iter(process.threads.values())), SIGTRAP)


def _letter(letter: bytes) -> Handler:
    return lambda stub, text: _continue_or_step(stub, letter, text)


PACKETS: Final[dict[str, Handler]] = {
    "vCont": _vcont,
    "vCont?": _vcont_query,
    "c": _letter(b"c"),
    "C": _letter(b"C"),
    "s": _letter(b"s"),
    "S": _letter(b"S"),
    "?": _why,
    "D": _detach,
    "k": _kill,
    "vKill": _kill_one,
    "vAttach": _attach,
}
