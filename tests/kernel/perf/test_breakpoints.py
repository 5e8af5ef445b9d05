"""Breakpoints of programs and a debugger: there is one tracer at a time."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from starrylab.abi import perf
from starrylab.kernel.perf.attr import PerfAttr
from starrylab.kernel.perf.counter import Counter

WRITTEN = 0x10_0000


def breakpoint_on(lab: Any, thread: Any) -> Counter:
    blank = PerfAttr(*[0] * len(perf.ATTR_FIELDS))
    attr = replace(
        blank,
        type=perf.TYPE_BREAKPOINT,
        bp_type=perf.HW_BREAKPOINT_W,
        config1=WRITTEN,
        config2=8,
    )
    system = lab.kernel.perf.system
    context = system.context_of(thread)
    counter = Counter(system, attr, context)
    context.add(counter)
    return counter


def test_a_debugger_takes_breakpoints_from_programs(lab: Any) -> None:
    thread = lab.start(lambda m: iter(()))
    kernel = lab.kernel
    counter = breakpoint_on(lab, thread)
    breakpoints = kernel.perf.system.sources.breakpoints
    assert kernel.tracer is breakpoints
    debugger: Any = object()
    kernel.attach_tracer(debugger)
    assert kernel.tracer is debugger
    assert not breakpoints.available
    counter.retire()
    assert kernel.tracer is debugger
    with pytest.raises(RuntimeError):
        kernel.attach_tracer(debugger)


def test_the_last_breakpoint_leaves_the_kernel_untraced(lab: Any) -> None:
    thread = lab.start(lambda m: iter(()))
    first, second = breakpoint_on(lab, thread), breakpoint_on(lab, thread)
    first.retire()
    assert lab.kernel.tracer is not None
    second.retire()
    assert lab.kernel.tracer is None
    assert thread not in lab.kernel.perf.system.contexts
