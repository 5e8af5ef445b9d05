import tomllib
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from starrylab.boards import BoardError, Range, boards_folder, load, names
from starrylab.boards.lines import key_lines, line_of
from starrylab.boards.loader import parse

NAMES = ["2k1000la", "virt-loongarch64", "virt-riscv64", "visionfive2"]
VF2 = (boards_folder() / "visionfive2/board.toml").read_text()


def test_the_boards_that_come_along():
    assert names() == NAMES


@pytest.mark.parametrize("name", NAMES)
def test_a_board_is_what_its_folder_is_called(name):
    board = load(name)
    assert board.name == name
    assert load(boards_folder() / name) == board
    assert load(boards_folder() / name / "board.toml") == board


@pytest.mark.parametrize("name", NAMES)
def test_every_value_of_a_board_has_its_line(name):
    text = (boards_folder() / name / "board.toml").read_text()
    lines = key_lines(text)
    for path, value in leaves(tomllib.loads(text)):
        line = text.splitlines()[lines[path] - 1]
        key = path.rpartition(".")[2]
        assert line.split("=")[0].strip() == key
        if isinstance(value, int):
            assert int(line.split("=")[1].split("#")[0].strip().replace("_", ""), 0) == value


def test_facts_of_the_boards():
    starfive = load("visionfive2")
    assert starfive.uart.register_shift == 2
    assert starfive.timer.frequency_hz == 4_000_000
    assert starfive.boot.start.riscv is not None
    assert starfive.boot.start.riscv.format(address=0x44000000) == (
        "booti 0x44000000 - ${fdtcontroladdr}"
    )
    loongson = load("2k1000la")
    assert loongson.boot.spelled(loongson.boot.load_address) == 0x9000000098000000
    assert [loader.kind for loader in loongson.loader] == ["u-boot", "pmon"]


def test_what_may_not_be_overwritten_is_named():
    board = load("visionfive2")
    assert board.in_the_way(Range(start=0x40200000, size=0x1000)) is None
    assert "OpenSBI" in str(board.in_the_way(Range(start=0x4005FFFF, size=1)))
    assert "not memory" in str(board.in_the_way(Range(start=0xBFFFFFFF, size=2)))


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("register_shift = 2 ", "shift = 2 ", r"unknown key 'shift'"),
        ("register_shift = 2 ", "# = 2 ", r"\[uart\] lacks the key 'register_shift'"),
        ("clock_hz = 24_000_000", "clock_hz = '24M'", r"uart.clock_hz: expected a number"),
        ("register_width = 4", "register_width = 2", "uart.register_width: invalid enum value 2"),
        ('kind = "plic"', 'kind = "pic"', "interrupts.kind: invalid enum value 'pic'"),
        ("start = 0x1602_0000", "start = 0x1601_8000", "0x16018000.* overlaps 0x16010000"),
        ("start = 0x1602_0000", "start = 0x4100_0000", "mmc1, .*, overlaps memory"),
        ("size = 0x6_0000", "size = 0", r"size: expected a number >= 1"),
        ("size = 0x6_0000", "size = 0xffff_ffff_ffff_ffff", "is not a range"),
        ("unit = 512", "unit = 0", r"storage\[0\].unit: expected a number >= 1"),
        ("size = 0x6_0000", "size = 0x8000_0001", "is not in one range of memory"),
        ("load_address = 0x4400_0000", "load_address = 0x4000_0000", "would overwrite OpenSBI"),
        ("bauds = [1_500_000", "bauds = [1_500_000, 921_600", "921600 baud cannot be made"),
        ("['StarFive # '", "['StarFive ( '", "no regular expression"),
        ("crc32 {address:#x}", "crc32 {adress:#x}", "no template"),
        ('kind = "u-boot"', 'kind = "u-boot', "Illegal character"),
    ],
)
def test_what_is_wrong_is_refused_with_its_line(old, new, message):
    assert old in VF2
    line = VF2[: VF2.index(old)].count("\n") + 1
    with pytest.raises(BoardError, match=message) as caught:
        parse(VF2.replace(old, new, 1), "b.toml")
    said = str(caught.value)
    assert "\n" not in said
    if "lacks" in said:
        line = VF2[: VF2.index("[uart]")].count("\n") + 1
    assert at(said) == line


def test_a_missing_table_is_refused():
    cut = VF2[: VF2.index("[recovery]")]
    with pytest.raises(BoardError, match=r"b.toml:1: the board lacks the key 'recovery'"):
        parse(cut, "b.toml")


@given(st.integers(0, len(VF2)))
def test_a_cut_file_is_refused_in_one_line(length):
    said = ""
    try:
        parse(VF2[:length], "b.toml")
    except BoardError as error:
        said = str(error)
    assert said.startswith("b.toml:") or length > VF2.index("after recovery")
    assert "\n" not in said


VALUES = ["-1", "0", "1", str(2**70), "1.5", "nan", '""', "[]", "{}", "true", '"("', "[0]", '"{x}"']


@given(
    st.integers(0, VF2.count("\n") - 1),
    st.sampled_from([*VALUES, '["("]', '[["a"]]', "1979-05-27"]),
)
def test_any_value_is_taken_or_refused_in_one_line(number, value):
    lines = VF2.splitlines()
    key, equals, _ = lines[number].partition(" = ")
    lines[number] = f"{key}{equals}{value if equals else ''}"
    with suppress(BoardError):
        board = parse("\n".join(lines), "b.toml")
        assert board.boot.spelled(0) == board.boot.virtual_offset


def test_an_unknown_board_is_named_with_those_that_are_known(tmp_path):
    with pytest.raises(BoardError, match="no board visionfive3; known: 2k1000la, virt-"):
        load("visionfive3")
    with pytest.raises(BoardError, match=r"cannot read .*: No such file"):
        load(tmp_path / "board.toml")


def test_the_wheel_has_the_boards():
    project = tomllib.loads((Path(__file__).parents[2] / "pyproject.toml").read_text())
    wheel = project["tool"]["hatch"]["build"]["targets"]["wheel"]
    assert wheel["force-include"] == {"boards": "starrylab/boards/data"}


def test_lines_of_paths_that_have_none():
    assert line_of({"a": 3}, "a.b[1].c") == 3
    assert line_of({"a": 3}, "") == 1


def at(message: str) -> int:
    return int(message.split(":")[1])


def leaves(table, path=""):
    for key, value in table.items():
        here = f"{path}.{key}".lstrip(".")
        if isinstance(value, dict):
            yield from leaves(value, here)
        elif isinstance(value, list) and value and isinstance(value[0], dict):
            for number, item in enumerate(value):
                yield from leaves(item, f"{here}[{number}]")
        else:
            yield here, value
