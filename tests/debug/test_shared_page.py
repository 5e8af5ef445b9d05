"""Segments that share a page of their file belong to one module."""

from __future__ import annotations

from starrylab.debug.inspect import InspectedThread
from starrylab.kernel.kernel import Kernel
from tests.debug.dwarf.stopped import compiled, run


def test_data_behind_relocated_data_has_the_programs_bias() -> None:
    """The linker puts .data into the file page that .tdata begins in, at another address."""
    symbols: list[str] = []

    def look(stopped: InspectedThread, kernel: Kernel) -> None:
        program, _vdso = stopped.modules()
        assert program.bias == 0
        found = stopped.scope(1).variable("global_counter")
        assert found is not None
        assert found.address is not None
        symbols.extend(stopped.symbol(found.address + offset) for offset in (0, 1, 4))

    run(compiled("types.c", "-O0"), look)
    assert symbols[:2] == ["<global_counter>", "<global_counter+1>"]
    assert symbols[2] != "<global_counter+4>"
