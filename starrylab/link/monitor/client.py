"""The host's side of the monitor: what a `BoardHart` asks for, in few and short frames."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from ...machine.board import monitor as m
from ...machine.board.follow import LIMIT, Follow
from ...machine.board.monitor import MonitorError
from . import coding
from . import protocol as p
from .exchange import TURN_S, Exchange, LinePort
from .plan import Planner, operation, wire_number

WANTED: Final = (
    p.Feature.HINTS | p.Feature.DIRTY | p.Feature.CACHE | p.Feature.MMIO
    | p.Feature.SPEED | p.Feature.INFLATE | p.Feature.VECTOR
)  # fmt: skip
_ROOM: Final = 16  #: bytes of a frame that are not operations
_DATA: Final = 4096  #: bytes read or written by one operation
_READ: Final = 12  #: bytes of a request to read
_SLOTS: Final = 512  #: keys asked for at a time
_GREETING_TRIES: Final = 5
_GREETING_FLOOD_S: Final = 2.0  #: of bytes without a pause: no monitor says so much unasked
#: Ctrl-C, Ctrl-D, line feed, carriage return, Ctrl-O, Ctrl-Z, Ctrl-\\: keys that shells act upon
_ENTERING: Final = frozenset(b"\x03\x04\n\r\x0f\x1a\x1c")
_MASK: Final = (1 << 64) - 1
_CAUSES: Final[dict[int, m.Cause]] = {
    cause: m.Cause[cause.name] for cause in p.Cause if cause is not p.Cause.OTHER
}
_REASONS: Final[dict[int, str]] = {
    p.Status.BAD_OP: "it does not know operation {detail}",
    p.Status.BAD_MEMORY: "the board has no memory at offset {detail:#x}",
    p.Status.NO_TABLES: "it has no memory left for page tables",
    p.Status.BAD_CODE: "compressed data were damaged",
    p.Status.FAULT: "it faulted at {detail:#x}",
    p.Status.TOO_LONG: "its answer does not fit into a frame",
}


@dataclass(frozen=True, slots=True)
class Greeting:
    """What a monitor says of itself."""

    arch: str
    features: p.Feature
    hart: int  #: -1: nobody told it
    image: int  #: physical address
    image_size: int
    base: int  #: physical memory for the host
    size: int
    timer_hz: int
    frame_limit: int
    contexts: int
    spaces: int
    slots: int
    slots_used: int
    baud: int
    bad_frames: int  #: that it received
    repeats: int  #: requests that came twice
    overruns: int


class Refused(MonitorError):
    """The monitor did not do an operation."""

    def __init__(self, status: int, index: int, detail: int) -> None:
        reason = _REASONS.get(status)
        text = (reason or "status {status}").format(detail=detail, status=status)
        super().__init__(f"the board's monitor refused: {text}")
        self.status = status
        self.index = index
        self.detail = detail


class MonitorClient:
    """See `machine.board.monitor.Monitor`."""

    def __init__(
        self,
        port: LinePort,
        *,
        features: p.Feature = WANTED,
        on_text: Callable[[bytes], object] | None = None,
        turn_s: float = TURN_S,
    ) -> None:
        """Greet the monitor behind ``port``; raises `MonitorError` when there is none."""
        self.exchange = Exchange(port, on_text, turn_s)
        self.greeting = self._greet(features)
        greeting = self.greeting
        self.arch = greeting.arch
        self.memory = greeting.base, greeting.size
        self.contexts = greeting.contexts
        self.spaces = greeting.spaces
        self._room = greeting.frame_limit - _ROOM
        self.slots = greeting.slots if p.Feature.CACHE in greeting.features else 0
        self._planner = Planner(greeting.base, greeting.features)

    # -- Monitor -----------------------------------------------------------------------------------

    def follow(self, table: Mapping[int, Sequence[Follow]]) -> None:
        """See `Monitor.follow`."""
        if p.Feature.HINTS in self.greeting.features:
            self.do(
                [
                    operation(
                        "HINT", number, index, f.pointer, f.unit, f.times + 1, f.vector, LIMIT
                    )
                    for number, several in table.items()
                    for index, f in enumerate(several)
                ]
            )

    def run(self, changes: Sequence[m.Change], space: int, context: int, slice_ns: int) -> m.Stop:
        """See `Monitor.run`."""
        slice_us = -(-slice_ns // 1000)
        operations = self._planner.operations(changes)
        operations.append(operation("RUN", space, context, slice_us))
        reader = self.do(operations, busy_s=slice_us / 1e6)
        return self._stop(context, coding.reply(reader, p.OPERATIONS["RUN"]))

    def change(self, changes: Sequence[m.Change]) -> None:
        """See `Monitor.change`."""
        self.do(self._planner.operations(changes))

    def read(self, pieces: Sequence[tuple[int, int]]) -> list[bytes]:
        """See `Monitor.read`."""
        found = [bytearray() for _ in pieces]
        for group in _grouped(pieces, self._room):
            reader = self.do(
                [operation("READ", at - self.greeting.base, size) for _, at, size in group]
            )
            for index, _, size in group:
                data = coding.reply(reader, p.OPERATIONS["READ"])["data"]
                if len(data) != size:
                    raise MonitorError(
                        "the board's monitor reads other sizes than it was asked for"
                    )
                found[index] += data
        return [bytes(data) for data in found]

    def cached(self) -> list[int]:
        """See `Monitor.cached`."""
        keys = list[int]()
        while len(keys) < self.slots:
            more = self.ask("SLOTS", len(keys), _SLOTS)["keys"]
            if not more:
                break
            keys += more
        return keys

    def registers(self, context: int) -> tuple[int, ...]:
        """See `Monitor.registers`."""
        return self._all_registers(context, self.ask("GET", context))

    def floating(self, context: int) -> bytes:
        """See `Monitor.floating`."""
        state: bytes = self.ask("GET_FLOATING", context)["state"]
        return state

    def state(self, context: int) -> tuple[tuple[int, ...], bytes]:
        """See `Monitor.state`."""
        reader = self.do([operation("GET", context), operation("GET_FLOATING", context)])
        registers = self._all_registers(context, coding.reply(reader, p.OPERATIONS["GET"]))
        return registers, coding.reply(reader, p.OPERATIONS["GET_FLOATING"])["state"]

    def close(self) -> None:
        """See `Monitor.close`."""
        self.exchange.port.close()

    # -- more --------------------------------------------------------------------------------------

    def ask(self, name: str, *values: Any, busy_s: float = 0.0) -> dict[str, Any]:
        """Do one operation and return its results by name; raises `MonitorError`."""
        reader = self.do([operation(name, *values)], busy_s=busy_s)
        return coding.reply(reader, p.OPERATIONS[name])

    def do(self, operations: Sequence[bytes], *, busy_s: float = 0.0) -> coding.Reader:
        """Do operations in as many frames as it takes; return the results of the last frame."""
        reader = coding.Reader(b"")
        for frame in _frames(operations, self._room):
            reader = self._checked(self.exchange.request(frame, busy_s))
        return reader

    def reset(self, kind: p.ResetKind = p.ResetKind.REBOOT) -> None:
        """Restart the board or switch it off; nothing of the monitor is left then."""
        self.ask("RESET", kind)

    # -- inside ------------------------------------------------------------------------------------

    def _greet(self, features: p.Feature) -> Greeting:
        self._room = p.FRAME_LIMIT
        usual, self.exchange.flood_s = self.exchange.flood_s, _GREETING_FLOOD_S
        reply = self.exchange.request(self._hello(features), tries=_GREETING_TRIES)
        self.exchange.flood_s = usual
        said = coding.reply(self._checked(reply), p.OPERATIONS["HELLO"])
        if said["magic"] != p.MAGIC or said["version"] < p.VERSION:
            raise MonitorError("the board runs a monitor of another version: flash it again")
        arch = p.ARCHES.get(said["arch"], "host" if said["arch"] == p.HOST_ARCH else "")
        if not arch:
            raise MonitorError(f"the board's architecture is unknown: ELF machine {said['arch']}")
        names = Greeting.__dataclass_fields__
        kept = {name: value for name, value in said.items() if name in names}
        return Greeting(**{**kept, "arch": arch, "features": p.Feature(said["features"])})

    def _hello(self, features: p.Feature) -> bytes:
        """Return a request that a command line, should one be there, does not execute.

        It differs from that of a host before us.  With a session number that has a zero in it,
        nothing of the frame is the end of a line (a stuffed frame of 13 bytes begins with one).
        """
        while True:
            content = operation("HELLO", p.VERSION, secrets.randbits(32), features)
            if not _ENTERING.intersection(self.exchange.frame(content)):
                return content

    def _checked(self, reply: bytes) -> coding.Reader:
        """Return the results of a reply; raises `Refused`."""
        reader = coding.Reader(reply)
        status = reader.fixed(1)
        if status:
            raise Refused(status, reader.u(), reader.u())
        return reader

    def _stop(self, context: int, said: dict[str, Any]) -> m.Stop:
        known = self._planner.said.setdefault(context, {})
        for number, difference in said["values"].items():
            known[number] = known.get(number, 0) + difference & _MASK
        try:
            cause = _CAUSES[said["cause"]]
        except KeyError:
            raise MonitorError(
                f"user code stopped at {known.get(p.PC, 0):#x} for a reason that the board's "
                f"monitor does not know: {said['addr']:#x}"
            ) from None
        base = self.greeting.base
        return m.Stop(
            cause,
            said["addr"],
            self._registers(cause, known),
            tuple((base + offset, data) for offset, data in said["memory"]),
            dirty
            if (dirty := said["dirty"]) is None
            else frozenset(base + (f << 12) for f in dirty),
        )

    def _all_registers(self, context: int, reply: dict[str, Any]) -> tuple[int, ...]:
        """Return what GET answers; the board reckons its next differences from that."""
        values = {number: value & _MASK for number, value in reply["values"].items()}
        if not values.keys() >= set(range(32)):
            raise MonitorError("the board's monitor does not tell all registers")
        self._planner.said[context] = values
        return 0, *(values[number] for number in range(1, 32)), values[p.PC]

    def _registers(self, cause: m.Cause, known: dict[int, int]) -> dict[int, int]:
        """Return what a stop says of registers: pc, and a system call's arguments."""
        found = {m.PC: known.get(p.PC, 0)}
        if cause is m.Cause.SYSCALL:
            first = _FIRST_ARGUMENT[self.arch]
            found.update({number: known.get(number, 0) for number in range(first, first + 8)})
        return found


_FIRST_ARGUMENT: Final = {"riscv64": 10, "loongarch64": 4, "host": 10}
assert wire_number(m.PC) == p.PC


def _frames(operations: Sequence[bytes], room: int) -> Iterator[bytes]:
    """Yield operations in frames of ``room`` bytes at most."""
    frame = bytearray()
    for one in operations:
        if frame and len(frame) + len(one) > room:
            yield bytes(frame)
            frame.clear()
        frame += one
    if frame:
        yield bytes(frame)


def _grouped(pieces: Sequence[tuple[int, int]], room: int) -> Iterator[list[tuple[int, int, int]]]:
    """Yield lists of (index, address, size) whose data fit into one reply."""
    group: list[tuple[int, int, int]] = []
    used = 0
    for index, (at, size) in enumerate(pieces):
        while size:
            part = min(size, _DATA)
            cost = max(part, _READ) + 4  # of the request, or of the reply
            if group and used + cost > room:
                yield group
                group, used = [], 0
            group.append((index, at, part))
            used += cost
            at, size = at + part, size - part
    if group:
        yield group
