"""Helpers for maps."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from ....abi.bpf import MAX_TAIL_CALL_CNT
from ....abi.errno import E2BIG, EINVAL, ENOENT
from ..instructions import ANOTHER
from ..maps.base import CPUS
from ..maps.queues import BloomFilter
from .declare import Arg, Result, helper
from .errors import failing

if TYPE_CHECKING:
    from ..interpreter import Run

_MOST_LOOPS: Final = 1 << 23


@helper("map_lookup_elem", Arg.MAP, Arg.KEY, result=Result.VALUE_OR_NULL)
def lookup(run: Run, handle: int, key: int) -> int:
    """bpf_map_lookup_elem()."""
    found = run.handles[handle]
    return found.lookup(run.memory.read(key, found.shape.key_size))


@helper("map_lookup_percpu_elem", Arg.MAP, Arg.KEY, Arg.ANYTHING, result=Result.VALUE_OR_NULL)
def lookup_of_cpu(run: Run, handle: int, key: int, cpu: int) -> int:
    """bpf_map_lookup_percpu_elem()."""
    return lookup(run, handle, key) if cpu & 0xFFFF_FFFF < CPUS else 0


@helper("map_update_elem", Arg.MAP, Arg.KEY, Arg.VALUE, Arg.ANYTHING)
@failing
def update(run: Run, handle: int, key: int, value: int, flags: int) -> int:
    """bpf_map_update_elem()."""
    found = run.handles[handle]
    shape, memory = found.shape, run.memory
    found.update(memory.read(key, shape.key_size), memory.read(value, shape.value_size), flags)
    return 0


@helper("map_delete_elem", Arg.MAP, Arg.KEY)
@failing
def delete(run: Run, handle: int, key: int) -> int:
    """bpf_map_delete_elem()."""
    found = run.handles[handle]
    found.delete(run.memory.read(key, found.shape.key_size))
    return 0


@helper("map_push_elem", Arg.MAP, Arg.VALUE, Arg.ANYTHING)
@failing
def push(run: Run, handle: int, value: int, flags: int) -> int:
    """bpf_map_push_elem()."""
    found = run.handles[handle]
    found.update(b"", run.memory.read(value, found.shape.value_size), flags)
    return 0


@helper("map_pop_elem", Arg.MAP, Arg.OUT_VALUE)
@failing
def pop(run: Run, handle: int, value: int) -> int:
    """bpf_map_pop_elem()."""
    found = run.handles[handle]
    try:
        run.memory.write(value, found.take(b""))
    except ENOENT:
        run.memory.write(value, bytes(found.shape.value_size))
        raise
    return 0


@helper("map_peek_elem", Arg.MAP, Arg.OUT_VALUE)
@failing
def peek(run: Run, handle: int, value: int) -> int:
    """bpf_map_peek_elem(): of a Bloom filter, whether it has the value."""
    found = run.handles[handle]
    if isinstance(found, BloomFilter):
        if not found.has(run.memory.read(value, found.shape.value_size)):
            raise ENOENT
        return 0
    try:
        run.memory.write(value, found.value(b""))
    except ENOENT:
        run.memory.write(value, bytes(found.shape.value_size))
        raise
    return 0


@helper("for_each_map_elem", Arg.MAP, Arg.FUNCTION, Arg.STACK_OR_NULL, Arg.ANYTHING)
@failing
def for_each(run: Run, handle: int, function: int, context: int, flags: int) -> int:
    """bpf_for_each_map_elem()."""
    if flags:
        raise EINVAL
    found = run.handles[handle]
    seen = 0
    for key in found.all_keys():
        value = found.lookup(key)
        if not value:
            continue
        seen += 1
        at = run.memory.add(bytearray(key))
        try:
            stop = run.call(function, handle, at, value, context)
        finally:
            run.memory.remove(at)
        if stop:
            break
    return seen


@helper("loop", Arg.ANYTHING, Arg.FUNCTION, Arg.STACK_OR_NULL, Arg.ANYTHING)
@failing
def loop(run: Run, times: int, function: int, context: int, flags: int) -> int:
    """bpf_loop()."""
    times &= 0xFFFF_FFFF
    if flags:
        raise EINVAL
    if times > _MOST_LOOPS:
        raise E2BIG
    for index in range(times):
        if run.call(function, index, context):
            return index + 1
    return times


@helper("tail_call", Arg.CONTEXT, Arg.MAP, Arg.ANYTHING)
def tail_call(run: Run, context: int, handle: int, index: int) -> int:
    """bpf_tail_call(): not a result but where to go on; 0 if there is nothing to jump to."""
    programs = getattr(run.handles[handle], "held", {})
    program = programs.get(index & 0xFFFF_FFFF)
    if program is None or run.tail_calls >= MAX_TAIL_CALL_CNT:
        return 0
    run.tail_calls += 1
    run.program = program
    run.r[1] = run.context_base
    return ANOTHER
