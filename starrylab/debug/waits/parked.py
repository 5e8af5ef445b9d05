"""What a thread that sleeps in a system call waits for.

The kernel keeps no record of it for our sake: the suspended coroutine has it in its local
variables.  A rule belongs to one function of the kernel, named by module and function; it reads
the variables that `RULES` lists, and a test looks that the functions still have them.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Final

from ...abi.poll import POLLIN, POLLOUT
from ...kernel.core.parking import suspended_frames
from ...kernel.files.userfaultfd import UserfaultFile
from ...kernel.task.futexes import FutexWaiter
from .files import file_needs
from .futexes import Symbol, futex_need, pi_need
from .holders import Holders, in_order, thread_name
from .model import Need

if TYPE_CHECKING:
    from ...kernel.task.process import Process
    from ...kernel.thread import Thread
    from ...kernel.vfs.locks import LockTable

Locals = Mapping[str, Any]
_UNKNOWN: Final = "this kind of wait is not known here"
_SIGNAL: Final = "any process may send one"


@dataclass(slots=True)
class Found:
    """What a wait's frames tell."""

    needs: list[Need] = field(default_factory=list)
    left_ns: int | None = None


@dataclass(slots=True)
class Look:
    """Whose wait it is, and what to name things with."""

    holders: Holders
    thread: Thread
    symbol: Symbol

    def until(self, deadline: int | None) -> int | None:
        """Return nanoseconds to a time on the monotonic clock."""
        return None if deadline is None else max(0, deadline - self.thread.executor.now)


Rule = Callable[[Look, Locals, Found], bool]  #: False: ask the function that called this one


def parked(look: Look) -> Found:
    """Return what a thread waits for in its system call."""
    found = Found()
    for frame in reversed(list(suspended_frames(look.thread.pending))):
        module = frame.f_globals.get("__name__", "").removeprefix("starrylab.kernel.")
        entry = RULES.get(f"{module}:{frame.f_code.co_name}")
        if entry is not None and entry[0](look, frame.f_locals, found):
            return found
    if not found.needs:
        found.needs.append(Need("in the kernel", unknown=_UNKNOWN))
    return found


# -- files ----------------------------------------------------------------------------------


def _one_file(look: Look, local: Locals, found: Found) -> bool:
    found.left_ns = look.until(local.get("deadline"))
    needs = file_needs(look.holders, look.thread, local["file"], local["events"])
    if needs is None:
        return False
    found.needs += [_with_handlers(look, need) for need in needs]
    return True


def _with_handlers(look: Look, need: Need) -> Need:
    """Add that a thread may wake itself from a signal handler: the self-pipe of event loops."""
    process = look.thread.process
    if process.threads.keys().isdisjoint(need.wakers) or not process.signals.actions.caught:
        return need
    return replace(need, unknown="a signal handler of the process may act")


def _any_file(look: Look, local: Locals, found: Found) -> bool:
    found.left_ns = look.until(local.get("deadline"))
    for file, events in local["files"]:
        needs = file_needs(look.holders, look.thread, file, events)
        needs = [Need("for a file", unknown=_UNKNOWN)] if needs is None else needs
        found.needs += [_with_handlers(look, need) for need in needs]
    if not found.needs:
        found.needs.append(Need("for no file", unknown="a signal may end it"))
    return True


def _splice(look: Look, local: Locals, found: Found) -> bool:
    for file, event in ((local["source"], POLLIN), (local["target"], POLLOUT)):
        if not file.poll() & event:
            needs = file_needs(look.holders, look.thread, file, event)
            found.needs += [Need("for a file", unknown=_UNKNOWN)] if needs is None else needs
    return True


def _flock(look: Look, local: Locals, found: Found) -> bool:
    file, table = local["file"], local["table"]
    holders = [other for other in table.flocks if other is not file]
    tids = {tid for other in holders for tid in look.holders.of_file(other)}
    found.needs.append(_lock(look, file, tids, holders, "flock"))
    return True


def _record(look: Look, local: Locals, found: Found) -> bool:
    table: LockTable = local["table"]
    new = local["new"]
    owners = [
        lock.owner
        for lock in table
        if lock.owner is not new.owner
        and lock.start <= new.end
        and new.start <= lock.end
        and (new.exclusive or lock.exclusive)
    ]
    tids = set().union(*(look.holders.of_table(o) or _open(look, o) for o in owners))
    found.needs.append(_lock(look, local["file"], tids, owners, "record lock"))
    return True


def _open(look: Look, owner: Any) -> set[int]:
    return look.holders.of_file(owner) if not isinstance(owner, dict) else set()


def _lock(look: Look, file: Any, tids: set[int], owners: list[Any], kind: str) -> Need:
    path = bytes(file.path()).decode(errors="replace")
    what = f"for the {kind} on {path}{look.holders.numbers(look.thread, file)}"
    unknown = "" if tids or not owners else "its holder is in no process"
    return Need(what, in_order(tids), "the lock", unknown=unknown)


# -- everything else ------------------------------------------------------------------------------


def _futex(look: Look, local: Locals, found: Found) -> bool:
    waiters = local["waiters"] if "waiters" in local else [local["waiter"]]
    call = look.thread.call
    one = call[0] if isinstance(local.get("waiter"), FutexWaiter) or len(waiters) == 1 else 0
    for waiter in waiters:
        addr = _word(look.thread, waiter.key) or one
        found.needs.append(futex_need(look.holders, look.thread, waiter.key, addr, look.symbol))
    if local.get("deadline") is not None:
        found.left_ns = _clock_left(look, local["deadline"])
    return True


def _word(thread: Thread, key: Any) -> int:
    """Return the address of the word that ``key`` names in the thread's address space."""
    home, offset = key
    if home is thread.mm:
        return int(offset)
    for area in thread.mm.areas:
        if area.source is home and area.offset <= offset < area.offset + area.end - area.start:
            return int(area.start + offset - area.offset)
    return 0


def _pi(look: Look, local: Locals, found: Found) -> bool:
    lock = look.holders.kernel.futexes.pi.get(local["waiter"].key)
    if lock is None:
        return False
    found.needs.append(pi_need(look.thread, look.thread.call[0], lock.owner, look.symbol))
    if local.get("deadline") is not None:
        found.left_ns = _clock_left(look, local["deadline"])
    return True


def _clock_left(look: Look, deadline: tuple[int, int]) -> int:
    clock_id, target = deadline
    return max(0, target - look.thread.kernel.clock.source(clock_id).now())


def _children(look: Look, local: Locals, found: Found) -> bool:
    asked = inspect.getclosurevars(local["take"]).nonlocals
    for child in asked["whom"].children():
        if child.zombie:
            continue
        what = f"for {_child_name(child)}" + (", which is stopped" if child.stopped else "")
        found.needs.append(Need(what, in_order(child.threads), "the child"))
    return True


def _child_name(child: Process) -> str:
    return f"child {thread_name(child.leader)}" if child.leader is not None else f"pid {child.pid}"


def _vfork(look: Look, local: Locals, found: Found) -> bool:
    process = local["process"]
    what = f"for {_child_name(process)} to execute a program or end (vfork)"
    found.needs.append(Need(what, in_order(process.threads), "the child"))
    return True


def _sleep(look: Look, local: Locals, found: Found) -> bool:
    source, target = local["source"], local["target"]
    found.left_ns = max(0, target - source.now())
    found.needs.append(Need("for time to pass", outside="its timer"))
    return True


def _signal(look: Look, local: Locals, found: Found) -> bool:
    found.left_ns = look.until(local.get("deadline"))
    found.needs.append(Need("for a signal", unknown=_SIGNAL))
    return True


def _halt(look: Look, local: Locals, found: Found) -> bool:
    found.needs.append(Need("for the machine to halt", outside="the kernel"))
    return True


def _page(look: Look, local: Locals, found: Found) -> bool:
    """Name who may bring a page that a program serves (userfaultfd(2))."""
    context = local["fault"].context
    tids = look.holders.where(
        lambda file: isinstance(file, UserfaultFile) and file.context is context
    )
    found.needs.append(
        Need(f"for the page at {local['fault'].addr:#x}", in_order(tids), "its userfaultfd")
    )
    return True


#: function of the kernel -> its rule, and the local variables that the rule reads
RULES: Final[dict[str, tuple[Rule, tuple[str, ...]]]] = {
    "core.poll:poll_io": (_one_file, ("file", "events", "deadline")),
    "core.poll:poll_any": (_any_file, ("files", "deadline")),
    "syscalls.splice:_held": (_splice, ("source", "target")),
    "syscalls.locks:_wait_flock": (_flock, ("file", "table")),
    "syscalls.locks:_wait_lock": (_record, ("file", "table", "new")),
    "syscalls.futex:_sleep": (_futex, ("waiter",)),
    "syscalls.futex:_sleep_until": (_futex, ("waiters", "deadline")),
    "syscalls.futex:_sleep_any": (_futex, ("waiters",)),
    "syscalls._futex_waits:sleep_pi": (_pi, ("waiter", "deadline")),
    "syscalls.wait:_wait": (_children, ("take",)),
    "syscalls.process:_vfork": (_vfork, ("process",)),
    "syscalls.time:_sleep": (_sleep, ("source", "target")),
    "syscalls.signal:rt_sigsuspend": (_signal, ()),
    "syscalls.signal:_sigtimedwait": (_signal, ("deadline",)),
    "syscalls.reboot:_never": (_halt, ()),
    "syscalls._user_faults:wait_for_page": (_page, ("fault",)),
    "syscalls._user_faults:_wait_in_kernel": (_page, ("fault",)),
}
