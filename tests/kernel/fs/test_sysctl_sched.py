"""/proc/sys/kernel/sched_rt_*: settings that the executor follows."""

from __future__ import annotations

import pytest

from starrylab.abi.errno import EINVAL

RUNTIME, PERIOD = b"/proc/sys/kernel/sched_rt_runtime_us", b"/proc/sys/kernel/sched_rt_period_us"


@pytest.mark.parametrize(
    ("name", "text", "accepted"),
    [
        (RUNTIME, b"-1\n", True),
        (RUNTIME, b"0\n", True),
        (RUNTIME, b"1000001\n", False),
        (RUNTIME, b"-2\n", False),
        (RUNTIME, b"much\n", False),
        (PERIOD, b"2000000\n", True),
        (PERIOD, b"949999\n", False),
        (PERIOD, b"0\n", False),
    ],
)
def test_only_a_part_of_the_period_can_be_the_runtime(lab, name, text, accepted) -> None:
    def program(m):
        m.string(m.scratch, name)
        m.store(m.scratch + 256, text)
        fd = yield m.call("openat", -100, m.scratch, 2, 0)
        expected = len(text) if accepted else -EINVAL.errno
        assert (yield m.call("write", fd, m.scratch + 256, len(text))) == expected
        size = yield m.call("pread64", fd, m.scratch + 512, 64, 0)
        default = b"950000\n" if name == RUNTIME else b"1000000\n"
        assert m.load(m.scratch + 512, size) == (text if accepted else default)
        yield m.call("exit_group", 0)

    lab.run(program)
    share = lab.kernel.executor.share
    if accepted:
        value = int(text)
        stored = share.runtime_ns if name == RUNTIME else share.period_ns
        assert stored == (value * 1000 if value > 0 else value)
