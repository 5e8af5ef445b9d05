"""Programs on a CPU that is not ours, under the monitor as it runs on boards."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from starrylab.link.monitor.client import MonitorClient
from starrylab.link.port import Port
from starrylab.machine.board.hart import BoardHart
from starrylab.machine.ram import HostRam
from starrylab.machine.unicorn import UnicornHart
from tests.session import board_lab, qemu_board


class Kept(MonitorClient):
    """A session that leaves the port open for the next."""

    def close(self) -> None:
        """Leave it to the fixture."""


@pytest.fixture(scope="module")
def port(tmp_path_factory) -> Iterator[Port]:
    with qemu_board.running("virt-riscv64", tmp_path_factory.mktemp("board")) as name:
        port = qemu_board.opened(name)
        yield port
        port.close()


def test_a_bit_of_everything(port: Port, monkeypatch) -> None:
    clients: list[MonitorClient] = []

    def make_hart(ram: HostRam) -> BoardHart:
        clients.append(Kept(port))
        return BoardHart(clients[-1], ram)

    board_lab.compared(board_lab.everything(), make_hart, monkeypatch)
    board_lab.compared(board_lab.everything(), make_hart, monkeypatch)
    first, second = (client.exchange.traffic for client in clients)
    assert second.sent < first.sent / 3  # the pages were there


def test_a_script_of_thirty_commands(port: Port, busybox: Path, monkeypatch) -> None:
    script = ["/bin/busybox", "sh", "/tmp/share/thirty.sh"]
    share = Path(__file__).parent
    expected = board_lab.run(UnicornHart, script, monkeypatch, share=share, root=busybox)
    result = board_lab.run(
        lambda ram: BoardHart(Kept(port), ram), script, monkeypatch, share=share, root=busybox
    )
    assert result.stdout.decode() == expected.stdout.decode()
    assert result == expected
