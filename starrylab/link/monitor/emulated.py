"""The monitor's side of the wire for a board that is not there: requests in, replies out.

It serves `machine.board.emulated` by the same table as boards/monitor does, so that everything
between the kernel and the line can be tested, and tried, without a board.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Mapping
from typing import Any, Final

from ...machine.api import PAGE_SHIFT
from ...machine.board import monitor
from ...machine.board.emulated import BASE, EmulatedBoard
from ...machine.board.follow import Follow
from . import framing, protocol
from .coding import PUT, CodingError, Reader, put_bytes, put_u, take
from .protocol import BY_NUMBER, Feature, Field, Kind, Operation, Status

_FEATURES: Final = Feature.HINTS | Feature.CACHE | Feature.INFLATE
_NUMBERS: Final = {name: number for number, name in protocol.ARCHES.items()}
_BITS: Final = 10  #: of a byte on the line
_MASK: Final = (1 << 64) - 1

Values = Mapping[str, Any]


class _Refused(Exception):
    def __init__(self, status: Status, detail: int) -> None:
        super().__init__(status.name)
        self.status = status
        self.detail = detail


class WireBoard:
    """Bytes of the line in, bytes of the line out."""

    def __init__(self, board: EmulatedBoard) -> None:
        self.board = board
        self.requests = 0  #: executed, not counting repetitions
        self.repeats = 0
        self.bad_frames = 0
        self._held = bytearray()
        self._last: tuple[bytes, bytes] | None = None
        self._hints: dict[int, dict[int, Follow]] = {}
        self._said: dict[int, dict[int, int]] = {}  #: context -> registers, as the host knows them
        self._do: dict[str, Callable[[Values], Values | None]] = {
            "HELLO": self._hello,
            "ECHO": lambda v: {"data": v["data"]},
            "READ": lambda v: {"data": self._read(v["offset"], v["size"])},
            "WRITE": lambda v: self._change(monitor.Write(BASE + v["offset"], v["data"])),
            "FILL": self._fill,
            "COPY": self._copy,
            "INFLATE": self._inflate,
            "CRC": lambda v: {"crc": zlib.crc32(self._read(v["offset"], v["size"]))},
            "MAP": self._map,
            "UNMAP": self._unmap,
            "DROP": lambda v: self._change(monitor.DropSpace(v["space"])),
            "SYNC": lambda _: self._change(monitor.CodeChanged()),
            "SET": self._set,
            "GET": self._get,
            "SET_FLOATING": lambda v: self._change(monitor.SetFloating(v["context"], v["state"])),
            "GET_FLOATING": lambda v: {"state": board.floating(v["context"])},
            "CLONE": self._clone,
            "RUN": self._run,
            "HINT": self._hint,
            "KEEP": lambda v: self._change(
                monitor.Keep(v["slot"], BASE + (v["frame"] << PAGE_SHIFT), v["key"])
            ),
            "FETCH": lambda v: self._change(
                monitor.Fetch(BASE + (v["frame"] << PAGE_SHIFT), v["slot"])
            ),
            "SLOTS": lambda v: {"keys": board.cached()[v["first"] : v["first"] + v["count"]]},
        }

    def feed(self, data: bytes) -> bytes:
        """Take bytes from the line; return what the monitor sends."""
        self._held += data
        *frames, rest = bytes(self._held).split(b"\0")
        self._held[:] = rest
        return b"".join(self._answer(frame) for frame in frames if frame)

    def _answer(self, frame: bytes) -> bytes:
        try:
            content = framing.content(frame, of_monitor=False)
        except framing.BadFrame:
            self.bad_frames += 1
            return framing.frame(bytes((protocol.NAK,)), of_monitor=True)
        if self._last is not None and self._last[0] == content:
            self.repeats += 1
            return self._last[1]
        reply = framing.frame(content[:1] + self._execute(content[1:]), of_monitor=True)
        self._last = content, reply
        return reply

    def _execute(self, content: bytes) -> bytes:
        self.requests += 1
        out, reader, index = bytearray((Status.OK,)), Reader(content), 0
        operation: Operation | None = None
        try:
            while reader.left:
                number = take(reader, Field("op", Kind.U8))
                operation = BY_NUMBER.get(number)
                if operation is None or operation.name not in self._do:
                    raise _Refused(Status.BAD_OP, number)
                values = {field.name: take(reader, field) for field in operation.request}
                results = self._do[operation.name](values) or {}
                for field in operation.reply:
                    _PUT[field.kind](out, results[field.name])
                index += 1
        except (CodingError, IndexError, KeyError):
            return _failed(Status.BAD_OP, index, operation.number if operation else 0)
        except monitor.MonitorError:
            return _failed(Status.BAD_MEMORY, index, 0)
        except _Refused as refused:
            return _failed(refused.status, index, refused.detail)
        if len(out) > protocol.FRAME_LIMIT - 5:
            return _failed(Status.TOO_LONG, index, 0)
        return bytes(out)

    # -- operations ------------------------------------------------------------------------------

    def _change(self, *changes: monitor.Change) -> None:
        self.board.change(changes)

    def _read(self, offset: int, size: int) -> bytes:
        return self.board.read([(BASE + offset, size)])[0]

    def _hello(self, values: Values) -> Values:
        board, size = self.board, self.board.memory[1]
        self._hints.clear()
        self._said.clear()
        self.board.reset()
        return {
            "magic": protocol.MAGIC,
            "version": protocol.VERSION,
            "arch": _NUMBERS[board.arch],
            "features": values["features"] & _FEATURES,
            "hart": 0,
            "image": BASE,
            "image_size": 0,
            "base": BASE,
            "size": size,
            "timer_hz": 10_000_000,
            "frame_limit": protocol.FRAME_LIMIT,
            "contexts": board.contexts,
            "spaces": board.spaces,
            "slots": board.slots,
            "slots_used": sum(map(bool, board.cached())),
            "hint_numbers": protocol.HINT_NUMBERS,
            "baud": 115200,
            "bad_frames": self.bad_frames,
            "repeats": self.repeats,
            "overruns": 0,
        }

    def _fill(self, values: Values) -> None:
        self._change(
            monitor.Write(BASE + values["offset"], bytes((values["byte"],)) * values["size"])
        )

    def _copy(self, values: Values) -> None:
        self._change(monitor.Write(BASE + values["to"], self._read(values["from"], values["size"])))

    def _inflate(self, values: Values) -> None:
        data = zlib.decompress(values["data"], wbits=-15)
        if len(data) != values["size"]:
            raise _Refused(Status.BAD_CODE, len(data))
        self._change(monitor.Write(BASE + values["offset"], data))

    def _map(self, values: Values) -> None:
        space, vpn, access = values["space"], values["vpn"], values["access"]
        for page in range(values["count"]):
            at = BASE + (values["frame"] + page << PAGE_SHIFT)
            self._change(monitor.Map(space, vpn + page, at, access))

    def _unmap(self, values: Values) -> None:
        for page in range(values["count"]):
            self._change(monitor.Unmap(values["space"], values["vpn"] + page))

    def _set(self, values: Values) -> None:
        registers = {_number(n): value & _MASK for n, value in values["values"].items()}
        self._change(monitor.SetRegisters(values["context"], tuple(registers.items())))
        self._told(values["context"]).update(registers)

    def _get(self, values: Values) -> Values:
        registers = dict(enumerate(self.board.registers(values["context"])))
        del registers[0]
        self._told(values["context"]).update(registers)
        return {"values": _on_wire(registers)}

    def _clone(self, values: Values) -> None:
        self._change(monitor.CopyContext(values["context"], values["source"]))
        self._said[values["context"]] = dict(self._told(values["source"]))

    def _hint(self, values: Values) -> None:
        hints = self._hints.setdefault(values["number"], {})
        if not values["limit"]:
            hints.pop(values["index"], None)
        else:
            hints[values["index"]] = Follow(
                values["pointer"], values["unit"], values["times"] - 1, bool(values["vector"])
            )
        self.board.follow({number: list(found.values()) for number, found in self._hints.items()})

    def _run(self, values: Values) -> Values:
        context = values["context"]
        stop = self.board.run([], values["space"], context, values["slice_us"] * 1000)
        said = self._told(context)
        registers = stop.registers
        changed = {n: v - said.get(n, 0) for n, v in registers.items() if v != said.get(n, 0)}
        said.update(registers)
        return {
            "cause": protocol.Cause[stop.cause.name],
            "addr": stop.addr,
            "values": _on_wire(changed),
            "dirty": None,
            "memory": [(at - BASE, data) for at, data in stop.memory],
        }

    def _told(self, context: int) -> dict[int, int]:
        return self._said.setdefault(context, {})


def _number(wire: int) -> int:
    """Return the number that a hart knows a register by."""
    return monitor.PC if wire == protocol.PC else wire


def _on_wire(registers: Mapping[int, int]) -> dict[int, int]:
    return {protocol.PC if n == monitor.PC else n: value for n, value in registers.items()}


def _failed(status: Status, index: int, detail: int) -> bytes:
    out = bytearray((status,))
    put_u(out, index)
    put_u(out, detail)
    return bytes(out)


class EmulatedLine:
    """A serial line with an emulated board at its end; see `exchange.LinePort`.

    It passes everything on at once, and reckons how long a real one would take.
    """

    def __init__(self, board: WireBoard, baud: int = 115200, turn_s: float = 0.002) -> None:
        self.board = board
        self.baud = baud
        self.turn_s = turn_s  #: what an adapter takes from one direction to the other
        self.seconds = 0.0  #: that a real line would have taken
        self._replies = bytearray()

    def write(self, data: bytes) -> None:
        """Send all, and let the board answer."""
        self._replies += self.board.feed(data)
        self.seconds += _BITS * len(data) / self.baud + self.turn_s

    def read(self, n: int, timeout: float) -> bytes:
        """Return up to ``n`` bytes that are there; there will be no others."""
        data = bytes(self._replies[:n])
        del self._replies[:n]
        self.seconds += _BITS * len(data) / self.baud
        return data

    def close(self) -> None:
        """Let the emulated CPU go."""
        self.board.board.close()


# -- encoding ------------------------------------------------------------------------------------


def _put_pieces(out: bytearray, value: list[tuple[int, bytes]]) -> None:
    put_u(out, len(value))
    for offset, data in value:
        put_u(out, offset)
        put_bytes(out, data)


def _put_words(out: bytearray, value: list[int]) -> None:
    put_u(out, len(value))
    for word in value:
        out += word.to_bytes(8, "little")


def _put_dirty(out: bytearray, _: None) -> None:
    put_u(out, protocol.ALL_DIRTY)


_PUT: Final[dict[Kind, Callable[[bytearray, Any], None]]] = {
    **PUT,
    Kind.FRAMES: _put_dirty,
    Kind.PIECES: _put_pieces,
    Kind.WORDS: _put_words,
}
