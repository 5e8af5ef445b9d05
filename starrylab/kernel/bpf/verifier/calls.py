"""Calls of helpers and of the program's own functions, and the ends of both."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from ....abi import bpf as b
from ....abi import ebpf as e
from ....abi.bpf_helpers import HELPERS
from ....abi.errno import E2BIG
from ..helpers.declare import Helper, Result
from ..instructions import Instruction
from . import callbacks, registers, scalar
from .arguments import Arguments
from .refusal import Refused, malformed
from .registers import UNKNOWN, UNSET, Kind, Reg
from .state import Frame

if TYPE_CHECKING:
    from .walk import Walk

_MAX_ERROR: Final = 4095


def call(walk: Walk, i: Instruction, index: int) -> int | None:
    """Do a call; return where the path goes on."""
    if i.src == e.PSEUDO_CALL:
        return _call_function(walk, index + i.imm + 1, index)
    helper = _find(walk, i.imm)
    arguments = Arguments(walk, helper)
    _check_use(walk, helper, arguments)
    if helper.name in callbacks.CALLERS:
        callbacks.begin(walk, helper, arguments, index)
    result = _result(walk, helper, arguments, index)
    clobber(walk)
    walk.set(e.R0, result)
    return index + 1


def clobber(walk: Walk) -> None:
    """Forget the registers that a call does not keep."""
    for number in range(e.R6):
        walk.state.regs[number] = UNSET


def _find(walk: Walk, number: int) -> Helper:
    subject = walk.subject
    helper = subject.helpers.get(number)
    name = HELPERS[number] if 0 <= number < len(HELPERS) else "unknown"
    if (
        helper is None
        or subject.type not in helper.types
        or (helper.perfmon and not subject.perfmon)
    ):
        text = f"program of this type cannot use helper bpf_{name}#{number}"
        raise malformed(text if name != "unknown" else f"invalid func unknown#{number}")
    if helper.gpl and not subject.gpl:
        raise malformed("cannot call GPL-restricted function from non-GPL compatible program")
    return helper


# -- which maps a helper takes ------------------------------------------------------------------

_QUEUES: Final = frozenset({b.BPF_MAP_TYPE_QUEUE, b.BPF_MAP_TYPE_STACK})
_RINGS: Final = frozenset({b.BPF_MAP_TYPE_RINGBUF})
_HASHES: Final = frozenset(
    {
        b.BPF_MAP_TYPE_HASH, b.BPF_MAP_TYPE_PERCPU_HASH, b.BPF_MAP_TYPE_LRU_HASH,
        b.BPF_MAP_TYPE_LRU_PERCPU_HASH,
    }
)  # fmt: skip
_ARRAYS: Final = frozenset({b.BPF_MAP_TYPE_ARRAY, b.BPF_MAP_TYPE_PERCPU_ARRAY})
_TRIES: Final = frozenset({b.BPF_MAP_TYPE_LPM_TRIE})
_OUTER: Final = frozenset({b.BPF_MAP_TYPE_ARRAY_OF_MAPS, b.BPF_MAP_TYPE_HASH_OF_MAPS})
_BLOOM: Final = frozenset({b.BPF_MAP_TYPE_BLOOM_FILTER})
#: helper -> types of maps
_TAKES: Final = {
    "map_lookup_elem": _HASHES | _ARRAYS | _TRIES | _OUTER,
    "map_update_elem": _HASHES | _ARRAYS | _TRIES,
    "map_delete_elem": _HASHES | _ARRAYS | _TRIES,
    "map_lookup_percpu_elem": frozenset(
        {
            b.BPF_MAP_TYPE_PERCPU_ARRAY, b.BPF_MAP_TYPE_PERCPU_HASH,
            b.BPF_MAP_TYPE_LRU_PERCPU_HASH,
        }
    ),
    "map_push_elem": _QUEUES | _BLOOM,
    "map_peek_elem": _QUEUES | _BLOOM,
    "map_pop_elem": _QUEUES,
    "tail_call": frozenset({b.BPF_MAP_TYPE_PROG_ARRAY}),
    "perf_event_output": frozenset({b.BPF_MAP_TYPE_PERF_EVENT_ARRAY}),
    "get_stackid": frozenset({b.BPF_MAP_TYPE_STACK_TRACE}),
    "ringbuf_output": _RINGS,
    "ringbuf_reserve": _RINGS,
    "ringbuf_query": _RINGS,
    "for_each_map_elem": _HASHES | _ARRAYS,
}  # fmt: skip
#: those that write into a map, and those that read one
_WRITERS: Final = ("map_update_elem", "map_delete_elem", "map_push_elem", "map_pop_elem")
_READERS: Final = ("map_lookup_elem", "map_peek_elem", "map_lookup_percpu_elem")


def _check_use(walk: Walk, helper: Helper, arguments: Arguments) -> None:
    found = arguments.map
    if found is not None:
        shape = found.shape
        if helper.name in _TAKES and shape.type not in _TAKES[helper.name]:
            raise malformed(f"cannot pass map_type {shape.type} into func bpf_{helper.name}")
        if helper.name in _WRITERS and shape.flags & b.BPF_F_RDONLY_PROG:
            raise Refused("write into map forbidden")
        if helper.name in _READERS and shape.flags & b.BPF_F_WRONLY_PROG:
            raise Refused("read from map forbidden")
    if helper.name == "tail_call":
        if len(walk.flow.starts) > 1:
            raise malformed("mixing of tail_calls and bpf-to-bpf calls is not supported")
        if walk.state.refs:
            raise malformed("tail_call would lead to reference leak")


# -- what a helper returns ----------------------------------------------------------------------


def _result(walk: Walk, helper: Helper, arguments: Arguments, index: int) -> Reg:
    if arguments.released:
        _release(walk, arguments.released)
    if helper.result is Result.VALUE_OR_NULL:
        found = arguments.map
        if found is not None and found.shape.inner is not None:
            return Reg(Kind.MAP_OR_NULL, map=found.shape.inner, id=walk.new_id())
        return Reg(Kind.VALUE_OR_NULL, map=found, id=walk.new_id())
    if helper.result is Result.RECORD_OR_NULL:
        ref = walk.new_id()
        walk.state.refs[ref] = index
        return Reg(Kind.RECORD_OR_NULL, size=arguments.constant, id=ref, ref=ref)
    if helper.result is Result.LENGTH:
        return registers.of(scalar.signed_between(-_MAX_ERROR, arguments.largest))
    if helper.name == "get_smp_processor_id":
        return registers.number(0)
    return UNKNOWN


def _release(walk: Walk, ref: int) -> None:
    """Note that what a reference stands for was given back: nobody has it any more."""
    del walk.state.refs[ref]
    for where, place, reg in list(walk.state.slots()):
        if reg.ref == ref:
            where[place] = UNSET if isinstance(where, list) else UNKNOWN


# -- functions ----------------------------------------------------------------------------------


def _call_function(walk: Walk, target: int, index: int) -> int:
    state = walk.state
    if len(state.frames) >= b.MAX_CALL_FRAMES:
        raise Refused(f"the call stack of {len(state.frames) + 1} frames is too deep", E2BIG)
    callee = Frame(target, index)
    callee.regs[e.R1 : e.R6] = state.regs[e.R1 : e.R6]
    callee.regs[e.FP] = Reg(Kind.STACK, frame=len(state.frames))
    clobber(walk)
    state.frames.append(callee)
    return target


def leave(walk: Walk) -> int | None:
    """BPF_EXIT: back to the caller, or the end of the path."""
    state = walk.state
    result = walk.read(e.R0)
    if len(state.frames) == 1:
        if state.refs:
            ref, at = next(iter(state.refs.items()))
            raise malformed(
                f"Unreleased reference id={ref} alloc_insn={at}\n"
                "BPF_EXIT instruction in main prog would lead to reference leak"
            )
        if result.is_pointer and not walk.subject.perfmon:
            raise Refused("R0 leaks addr as return value")
        return None
    if result.kind is Kind.STACK and result.frame == len(state.frames) - 1:
        raise malformed("cannot return stack pointer to the caller")
    frame = state.frames[-1]
    if frame.callback is not None:
        return callbacks.end(walk, result)
    _forget_frame(walk)
    state.regs[e.R0] = result
    return frame.called_from + 1


def _forget_frame(walk: Walk) -> None:
    """Leave the innermost frame; addresses of its stack become numbers."""
    state = walk.state
    state.frames.pop()
    forget_stack(walk)


def forget_stack(walk: Walk) -> None:
    """Make numbers of what points into a frame that is gone."""
    depth = len(walk.state.frames)
    for where, place, reg in list(walk.state.slots()):
        if reg.kind is Kind.STACK and reg.frame >= depth:
            where[place] = UNKNOWN
