"""The counters of `--stats`: they are there, and the kinds of memory add up."""

from __future__ import annotations

import re

from starrylab.debug.statistics import report


def test_counters_of_a_run(lab) -> None:
    def child(m):
        m.store(m.scratch, b"touched")
        yield m.call("exit_group", 0)

    def program(m):
        for _ in range(3):
            yield m.fork(child)
            yield m.call("wait4", -1, 0, 0, 0)
        yield m.call("exit_group", 0)

    lab.run(program)
    text = report(lab.kernel)
    assert "threads made 3" in text
    sizes = {
        name.strip(): int(size)
        for name, size in re.findall(r"^(.+?) +(\d+) KiB$", text, re.MULTILINE)
    }
    total = sizes.pop("total")
    assert sum(sizes.values()) == total == lab.kernel.ram.size >> 10
