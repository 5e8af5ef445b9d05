"""riscv_hwprobe: what is known, unknown keys, sets of processors."""

from __future__ import annotations

import struct

from starrylab.abi.errno import EFAULT, EINVAL
from starrylab.kernel.clock import COUNTER_HZ

BAD = 0x7000_0000_0000


def test_what_the_processor_can_do(lab) -> None:
    def program(m):
        s = m.scratch

        def probe(*keys: int, cpus: int = 0, size: int = 0, flags: int = 0):
            m.store(s, b"".join(struct.pack("<qQ", key, 7) for key in keys))
            return m.call("riscv_hwprobe", s, len(keys), size, cpus, flags)

        assert (yield probe(3, 4, 8, 999)) == 0
        found = struct.unpack("<8q", m.load(s, 64))
        assert found == (3, 1, 4, 3, 8, COUNTER_HZ, -1, 0)
        assert (yield m.call("riscv_hwprobe", BAD, 1, 0, 0, 0)) == -EFAULT.errno
        assert (yield probe(3, flags=2)) == -EINVAL.errno
        assert (yield probe(3, flags=1)) == -EINVAL.errno
        m.store(s + 512, struct.pack("<Q", 2))
        assert (yield probe(3, cpus=s + 512, size=8)) == -EINVAL.errno
        assert (yield probe(3, cpus=BAD, size=8)) == -EFAULT.errno
        for key, value, left in ((4, 1, 1), (4, 4, 0), (8, COUNTER_HZ, 1), (999, 0, 0)):
            m.store(s + 512, struct.pack("<Q", 0))
            m.store(s, struct.pack("<qQ", key, value))
            assert (yield m.call("riscv_hwprobe", s, 1, 8, s + 512, 1)) == 0
            assert struct.unpack("<Q", m.load(s + 512, 8)) == (left,)
        yield m.call("exit_group", 0)

    lab.run(program)
