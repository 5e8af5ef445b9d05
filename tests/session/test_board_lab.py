"""User programs on a board's CPU print what they print on Linux, however little the board has.

All of tests/programs run here, on the emulated board.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from starrylab.machine.board.emulated import EmulatedBoard
from starrylab.machine.board.hart import BoardHart
from starrylab.machine.board.monitor import Map, MonitorError
from starrylab.machine.unicorn import UnicornHart
from tests.oracle import programs
from tests.session import board_lab

SCRIPT = "for i in 1 2 3; do echo $i | cat; done; (echo sub; exit 3); echo $?"


def run_program(board: EmulatedBoard, name: str, monkeypatch) -> None:
    program = programs.build(name)
    result = board_lab.run(
        lambda ram: BoardHart(board, ram),
        # Below a shell, as on Linux: the first process of a lab would adopt every orphan.
        ["/bin/sh", "-c", '"$@"; exit $?', "sh", f"/tmp/share/{program.name}", *programs.ARGUMENTS],
        monkeypatch,
        share=program.parent,
    )
    stdout, status = programs.expected(name)
    assert result.stdout.decode(errors="replace") == stdout.decode(errors="replace")
    assert result.status == status, result.stderr


@pytest.mark.parametrize("name", programs.names())
def test_a_program_behaves_as_on_linux(name: str, qemu_user: str, monkeypatch) -> None:
    run_program(EmulatedBoard(), name, monkeypatch)


@pytest.mark.parametrize("name", ["fork_wait", "signal_fp", "threads"])
def test_a_board_with_hardly_any_room(name: str, qemu_user: str, monkeypatch) -> None:
    """Pages, register sets and page tables are taken from each other all the time."""
    run_program(EmulatedBoard(24 * 4096, contexts=2, spaces=2), name, monkeypatch)


def test_a_bit_of_everything(monkeypatch) -> None:
    program = board_lab.everything()
    board_lab.compared(program, lambda ram: BoardHart(EmulatedBoard(), ram), monkeypatch)


def test_a_script_of_thirty_commands(busybox: Path, monkeypatch) -> None:
    share = Path(__file__).parent
    script = ["/bin/busybox", "sh", "/tmp/share/thirty.sh"]
    expected = board_lab.run(UnicornHart, script, monkeypatch, share=share, root=busybox)
    result = board_lab.run(
        lambda ram: BoardHart(EmulatedBoard(), ram), script, monkeypatch, share=share, root=busybox
    )
    assert result.stdout.decode() == expected.stdout.decode()
    assert result == expected
    assert (result.stdout.count(b"\n"), result.status) == (30, 5)


def test_a_shell_on_the_smallest_board(monkeypatch) -> None:
    board = EmulatedBoard(10 * 4096, contexts=2, spaces=1)
    result = board_lab.run(
        lambda ram: BoardHart(board, ram), ["/bin/sh", "-c", SCRIPT], monkeypatch
    )
    assert result == board_lab.Result(b"1\n2\n3\nsub\n3\n", b"", 0)


class Dying(EmulatedBoard):
    """A board whose line is cut."""

    left = 40  #: requests

    def run(self, *arguments):
        self.left -= 1
        if not self.left:
            raise MonitorError("the cable is gone")
        return super().run(*arguments)


def test_a_board_that_goes_away_is_said_in_one_line(monkeypatch) -> None:
    with pytest.raises(AssertionError, match=r"^the cable is gone\n$"):
        board_lab.run(lambda ram: BoardHart(Dying(), ram), ["/bin/sh", "-c", SCRIPT], monkeypatch)


def test_a_page_fault_that_is_served_in_vain_ends(monkeypatch) -> None:
    """A monitor that forgets mappings would otherwise be asked for ever."""

    class Forgetful(EmulatedBoard):
        def run(self, changes, *arguments):
            return super().run([c for c in changes if not isinstance(c, Map)], *arguments)

    with pytest.raises(AssertionError, match="the board does not get on at 0x"):
        board_lab.run(lambda ram: BoardHart(Forgetful(), ram), ["/bin/true"], monkeypatch)
