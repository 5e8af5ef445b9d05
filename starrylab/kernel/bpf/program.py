"""Programs that were let in."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from ...abi import ebpf as e
from ...machine.api import PAGE_SIZE
from ..ipc.objects import Charge
from .compile import Compiler
from .helpers.table import HELPERS
from .instructions import encode, tag
from .maps.base import round_up
from .maps.tables import ProgramArray
from .objects import BpfObject

if TYPE_CHECKING:
    from ..mm.heap import KernelHeap
    from .maps.base import Map
    from .memory import Memory
    from .verifier.subject import Subject

_HEADER: Final = 56  #: bytes of struct bpf_prog


@dataclass(frozen=True)
class Origin:
    """What BPF_PROG_LOAD says of a program beside its code."""

    name: bytes = b""
    uid: int = 0
    loaded_ns: int = 0  #: since boot
    expected_attach: int = 0
    btf: BpfObject | None = None
    functions: bytes = b""  #: struct bpf_func_info, as many as there are functions with types
    lines: bytes = b""  #: struct bpf_line_info


class Program(BpfObject):
    """One program; `operations` is what runs."""

    __slots__ = (
        "_charge", "code", "context_used", "gpl", "maps", "operations", "origin", "run_count",
        "run_ns", "tag", "type", "used", "verified",
    )  # fmt: skip

    def __init__(
        self, subject: Subject, memory: Memory, origin: Origin, heap: KernelHeap | None = None
    ) -> None:
        super().__init__()
        self._charge = Charge(heap)
        self._charge.cover(round_up(len(subject.code) * e.SIZE + _HEADER, PAGE_SIZE))
        self.type = subject.type
        self.code = tuple(subject.code)
        self.gpl = subject.gpl
        self.origin = origin
        self.tag = tag(subject.code)
        self.context_used = subject.context_used
        self.verified = subject.steps
        self.run_count = self.run_ns = 0
        self.used = dict(subject.maps)  #: by the instruction that names them
        self.maps = list(dict.fromkeys(subject.maps.values()))
        for found in self.maps:
            found.acquire()
            if isinstance(found, ProgramArray):
                found.adopt(self.type)
        if origin.btf is not None:
            origin.btf.acquire()
        addresses = {index: self._address(index) for index in self.used}
        self.operations = Compiler(self.code, memory.regions, HELPERS, addresses).compile()

    def _address(self, index: int) -> int:
        i, found = self.code[index], self.used[index]
        if i.src in (e.PSEUDO_MAP_VALUE, e.PSEUDO_MAP_IDX_VALUE):
            return found.base + (self.code[index + 1].imm & 0xFFFF_FFFF)
        return found.handle

    def freed(self) -> None:
        """See `BpfObject.freed`."""
        self._charge.end()
        for found in self.maps:
            found.release()
        if self.origin.btf is not None:
            self.origin.btf.release()

    @property
    def memory(self) -> int:
        """Bytes of kernel memory that it takes: whole pages, as it would with Linux."""
        return round_up(len(self.code) * e.SIZE + _HEADER, PAGE_SIZE)

    def shown(self) -> bytes:
        """Return the code as BPF_OBJ_GET_INFO_BY_FD tells it: maps by their numbers."""
        code = list(self.code)
        for index, found in self.used.items():
            source = {
                e.PSEUDO_MAP_IDX: e.PSEUDO_MAP_FD, e.PSEUDO_MAP_IDX_VALUE: e.PSEUDO_MAP_VALUE
            }.get(code[index].src, code[index].src)  # fmt: skip
            code[index] = code[index]._replace(imm=found.id, src=source)
        return encode(code)

    def bind(self, found: Map) -> None:
        """Hold a map that the code does not name (BPF_PROG_BIND_MAP)."""
        if found not in self.maps:
            found.acquire()
            self.maps.append(found)
