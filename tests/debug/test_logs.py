"""Lines of kernels' logs: which addresses are meant, and how they are explained."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from starrylab.debug.logs import LogReader
from starrylab.debug.symbols import ElfImage, Symbols
from tests.debug.dwarf_writer import TEXT, elf, symbols
from tests.debug.symbols.programs import COLD, INNER, MAIN, OUTER, VARIANTS

#: where the kernel of the logs runs
KERNEL = 0xFFFFFFC080200000
BIAS = KERNEL - TEXT


@pytest.fixture
def logs() -> LogReader:
    parts = VARIANTS["5"]().sections()
    rows = [("main", MAIN, 0x40), ("do_exit", COLD + 0x40, 0x24), ("do_exit", COLD + 0x80, 0x10)]
    data = elf([*parts, *symbols(rows, len(parts) + 1)])
    return LogReader(Symbols.of(ElfImage.from_bytes(data, "kernel"), []), BIAS)


def at(address: int) -> str:
    return f"{address + BIAS:#x}"


def bare(address: int) -> str:
    return f"{address + BIAS:016x}"


INLINED = [
    "leaf",
    "            at /src/main.c:30:3",
    "      space::twice(int)",
    "            at /src/main.c:21:8",
]


def test_starrys_frames(logs: LogReader) -> None:
    """The call is meant, one byte before the address; Starry adds one to a trap's own."""
    for line in (
        f"BT 3 ip={at(INNER + 1)} fp=0xffffffc080300010",
        f"[  1.2 0:7 axbacktrace] BT 3 ip={at(INNER + 1)} fp=0xffffffc080300010\r",
    ):
        assert logs.explain(line) == [
            f"   3: {INLINED[0]}",
            *INLINED[1:],
            "      main",
            f"            at /src/main.c:11:7 with fp=0xffffffc080300010, ip={at(INNER + 1)}",
        ]


def test_frames_without_a_number(logs: LogReader) -> None:
    assert logs.explain(f"ip={at(OUTER)}, fp=0x10") == [
        "      main",
        f"            at /src/main.c:10:1 with fp=0x10, ip={at(OUTER)}",
    ]


def test_unknown_frames(logs: LogReader) -> None:
    assert logs.explain("BT 0 ip=0x1234 fp=0x10") == [
        "   0: <unknown>",
        "            with fp=0x10, ip=0x1234",
    ]


def test_frames_that_the_kernel_has_explained_itself(logs: LogReader) -> None:
    assert logs.explain(f"            at src/main.rs:3:4 with fp=0x10, ip={at(MAIN)}") == []


def test_registers_of_an_exception(logs: LogReader) -> None:
    found = logs.explain(f"[    3.14] epc : {bare(OUTER)} ra : {bare(INNER)} sp : ff20000000013d50")
    assert found == [
        f"{at(OUTER)}: space::twice(int)",
        "            at /src/main.c:20:2",
        "      main+0x10",
        "            at /src/main.c:11:7",
        # What ra returns to is at INNER; the call before it is of twice's first line.
        f"{at(INNER)}: space::twice(int)",
        "            at /src/main.c:20:2",
        "      main+0x20",
        "            at /src/main.c:11:7",
    ]


@pytest.mark.parametrize(
    "line",
    [
        "Unhandled trap Exception(LoadPageFault) @ {}, stval=0x10",
        "sepc: VA:{}",
        "panicked: pc={}",
        "TrapFrame {{ sepc: {}, sstatus: 0x8000000200006020 }}",
    ],
)
def test_starrys_panics(logs: LogReader, line: str) -> None:
    assert logs.explain(line.format(at(MAIN + 4)))[0] == f"{at(MAIN + 4)}: main+0x4"


def test_call_traces(logs: LogReader) -> None:
    found = logs.explain(f"[<{bare(INNER + 1)}>] main+0x21/0x40")
    assert found[0] == f"{at(INNER + 1)}: leaf"
    # Without the address the name says where; the size tells two functions of one name apart.
    assert logs.explain("[  1.0] do_exit+0x8/0x10") == [f"{at(COLD + 0x88)}: do_exit+0x8"]
    assert logs.explain("[  1.0] do_exit+0x8/0x24") == [f"{at(COLD + 0x48)}: do_exit+0x8"]
    assert logs.explain("[  1.0] nobody+0x8/0x24") == []


def test_what_is_no_code_is_left_alone(logs: LogReader) -> None:
    for line in ("", "starry:~# ls", "mapped 0x1000 at 0xffffffc0c0000000", "0x", "id 0xdeadbeef",
                 "[<zzzz>]", "ip=", "BT x ip=1", f"{MAIN:#x}"):  # fmt: skip
        assert logs.explain(line) == []


@given(st.text(st.sampled_from("BT ip=fp0x123456789abcdefra: pcs[<>]+/_\x1b\r\té"), max_size=80))
def test_any_line_gets_an_answer(line: str) -> None:
    image = ElfImage.from_bytes(elf(symbols([("f", TEXT, 16)])), "kernel")
    found = LogReader(Symbols.of(image, [])).explain(line)
    assert all(isinstance(text, str) and "\n" not in text for text in found)
