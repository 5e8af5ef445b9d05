"""The wait graph in words."""

from __future__ import annotations

from collections.abc import Iterator

from .model import Deadlock, Need, Wait, Waits

_MANY = 4  #: wakers that are named


def report(waits: Waits) -> str:
    """Return every thread with what it waits for, and the deadlocks, as text."""
    return "".join(f"{line}\n" for line in lines(waits))


def lines(waits: Waits) -> Iterator[str]:
    """Yield the lines of `report`."""
    for wait in waits.threads:
        yield from _thread(waits, wait)
    for deadlock in waits.deadlocks:
        yield from _deadlock(waits, deadlock)
    if not waits.deadlocks:
        yield "no deadlock"


def name(waits: Waits, tid: int) -> str:
    """Return "pid 7 (cat)", or "thread 9 of pid 7 (cat)"."""
    wait = waits.of(tid)
    if wait is None:
        return f"thread {tid}"
    whole = f"pid {wait.pid}" + (f" ({wait.comm})" if wait.comm else "")
    return whole if tid == wait.pid else f"thread {tid} of {whole}"


def _thread(waits: Waits, wait: Wait) -> Iterator[str]:
    head = name(waits, wait.tid)
    if not wait.waiting:
        yield f"{head} runs or is ready to"
        return
    call = f" in {wait.call}" if wait.call else ""
    left = f", {wait.left_ns / 1e9:.3f} s left" if wait.left_ns is not None else ""
    if len(wait.needs) == 1:
        yield f"{head} waits{call}{left} {describe(waits, wait.needs[0])}"
    else:
        yield f"{head} waits{call}{left}"
        for need in wait.needs:
            yield f"    {describe(waits, need)}"
    if wait.alarm:
        yield f"    {wait.alarm} may end it"


def describe(waits: Waits, need: Need) -> str:
    """Return "to read pipe:[12] (fd 3); its write end: pid 8 (sort)"."""
    parts = [need.what]
    if need.wakers:
        parts.append(f"{need.because}: {_names(waits, need.wakers)}")
    elif not need.outside and not need.unknown:
        parts.append(f"{need.because}: nobody" if need.because else "nobody can wake it")
    if need.outside:
        parts.append(f"woken by {need.outside}")
    if need.unknown:
        parts.append(f"unknown: {need.unknown}")
    return "; ".join(parts)


def _names(waits: Waits, tids: tuple[int, ...]) -> str:
    named = [name(waits, tid) for tid in tids[:_MANY]]
    if len(tids) > _MANY:
        named.append(f"{len(tids) - _MANY} more")
    return ", ".join(named)


def _deadlock(waits: Waits, deadlock: Deadlock) -> Iterator[str]:
    members = [wait for tid in deadlock.tids if (wait := waits.of(tid)) is not None]
    if len(members) == 1 and not members[0].wakers:
        yield f"stuck for ever: {name(waits, deadlock.tids[0])}, which nobody can wake:"
    elif len(members) == 1:
        yield f"deadlock of {name(waits, deadlock.tids[0])} with itself:"
    else:
        yield f"deadlock of {', '.join(name(waits, tid) for tid in deadlock.tids)}:"
    for wait in members:
        for need in wait.needs:
            yield f"    {name(waits, wait.tid)} waits {describe(waits, need)}"
    if deadlock.victims:
        yield f"    and so for ever: {_names(waits, deadlock.victims)}"
