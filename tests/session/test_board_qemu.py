"""Programs on a CPU that is not ours, under the monitor as it runs on boards."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from starrylab.link.monitor.client import MonitorClient
from starrylab.machine.board.hart import BoardHart
from starrylab.machine.ram import HostRam
from starrylab.machine.unicorn import UnicornHart
from starrylab.session.board_link import connect
from starrylab.session.config import BoardPort
from starrylab.userland import build
from tests import guest
from tests.session import board_lab, qemu_board


@pytest.fixture(scope="module")
def board(tmp_path_factory) -> Iterator[BoardPort]:
    name = "virt-riscv64"
    built_in = build.programs("riscv64") / "starry"  # comes with the image: it is big
    with qemu_board.running(name, tmp_path_factory.mktemp("board"), [built_in]) as port:
        yield BoardPort(name, port)


def test_a_bit_of_everything(board: BoardPort, monkeypatch) -> None:
    clients: list[MonitorClient] = []

    def make_hart(ram: HostRam) -> BoardHart:
        clients.append(connect(board))
        return BoardHart(clients[-1], ram)

    board_lab.compared(board_lab.everything(), make_hart, monkeypatch)
    board_lab.compared(board_lab.everything(), make_hart, monkeypatch)
    first, second = (client.exchange.traffic for client in clients)
    assert second.sent < first.sent / 3  # the pages were there


def test_it_is_a_command(board: BoardPort) -> None:
    options = ["--board", board.name, "--port", str(board.port)]
    result = guest.run(["/bin/sh", "-c", "echo $((6 * 7)); exit 3"], options=options)
    assert result == guest.Result(b"42\n", b"", 3)


def test_a_script_of_thirty_commands(busybox: Path, tmp_path: Path, monkeypatch) -> None:
    """Its program comes with the image: sending half a megabyte would be most of the time."""
    with qemu_board.running("virt-riscv64", tmp_path, [busybox / "bin" / "busybox"]) as port:
        compare_script(BoardPort("virt-riscv64", port), busybox, monkeypatch)


def compare_script(board: BoardPort, busybox: Path, monkeypatch) -> None:
    clients: list[MonitorClient] = []

    def make_hart(ram: HostRam) -> BoardHart:
        clients.append(connect(board))
        return BoardHart(clients[-1], ram)

    script = ["/bin/busybox", "sh", "/tmp/share/thirty.sh"]
    share = Path(__file__).parent
    expected = board_lab.run(UnicornHart, script, monkeypatch, share=share, root=busybox)
    result = board_lab.run(make_hart, script, monkeypatch, share=share, root=busybox)
    assert result.stdout.decode() == expected.stdout.decode()
    assert result == expected
    assert clients[0].exchange.traffic.sent < 200_000
