"""What is at the other end of a line, told from what it says and answers."""

from __future__ import annotations

import os
import pty
import threading
import tty
from collections.abc import Iterator

import pytest

from starrylab.boards import load
from starrylab.link.detect import Kind, Watcher
from starrylab.link.port import Port

SCALE = 0.05
VIRT, VISION, LOONGSON = (load(name) for name in ("virt-riscv64", "visionfive2", "2k1000la"))


class Speaker:
    """Says something by itself, and something else to each key that comes."""

    def __init__(self) -> None:
        self._master, self._slave = pty.openpty()
        tty.setraw(self._slave)
        self.tty = os.ttyname(self._slave)
        self.answers: dict[bytes, bytes] = {}
        self.heard = b""

    def say(self, data: bytes) -> None:
        os.write(self._master, data)

    def listen(self) -> None:
        threading.Thread(target=self._serve, daemon=True).start()

    def close(self) -> None:
        os.close(self._slave)  # which ends the thread, and that closes the rest

    def _serve(self) -> None:
        try:
            while data := os.read(self._master, 100):
                self.heard += data
                for key, answer in self.answers.items():
                    if key in data:
                        self.say(answer)
        except OSError:
            os.close(self._master)


@pytest.fixture
def speaker() -> Iterator[Speaker]:
    speaker = Speaker()
    speaker.listen()
    yield speaker
    speaker.close()


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        (b"<INTERRUPT>\r\n=> ", Kind.PROMPT),
        (b"\r\nStarFive # ", Kind.PROMPT),
        (b"\r\n\x1b[0m=> \x1b[?25h", Kind.PROMPT),
        (b"\r\nstarry login: ", Kind.SYSTEM),
        (b"\r\nroot@board:~# ", Kind.SYSTEM),
        (b"some words => and more", Kind.TEXT),
        (b"\x91\xfe\x00\xf8\x80\x9c\xfe\xff\xe0", Kind.GARBAGE),
        (b"\xf8", Kind.GARBAGE),
        (b"\x03", Kind.ECHO),
        (b"", Kind.SILENCE),
    ],
)
def test_answers_to_ctrl_c(speaker: Speaker, answer: bytes, kind: Kind) -> None:
    speaker.answers[b"\x03"] = answer
    with Port.open(speaker.tty, time_scale=SCALE) as port:
        found = Watcher(port, VISION.loader).detect()
    assert found.kind is kind
    assert (found.dialect is VISION.boot) == (kind is Kind.PROMPT)


def test_a_prompt_tells_which_loader_it_is(speaker: Speaker) -> None:
    speaker.answers[b"\x03"] = b"\r\nPMON> "
    with Port.open(speaker.tty, time_scale=SCALE) as port:
        found = Watcher(port, LOONGSON.loader).detect()
    assert found.dialect is not None
    assert found.dialect.kind == "pmon"


def test_the_boot_rom_is_known_by_its_words(speaker: Speaker) -> None:
    with Port.open(speaker.tty, time_scale=SCALE) as port:
        speaker.say(b"(C)StarFive\r\nCCCC")
        found = Watcher(port, VISION.loader).detect()
    assert found.kind is Kind.ROM
    assert b"\x18" not in speaker.heard


def test_the_spl_gets_no_keys(speaker: Speaker) -> None:
    """They would end its receiver."""
    with Port.open(speaker.tty, time_scale=SCALE) as port:
        speaker.say(b"\r\nU-Boot SPL 2025.01\r\nTrying to boot from UART\r\n")
        threading.Timer(10 * SCALE, speaker.say, [b"CCC"]).start()
        found = Watcher(port, VISION.loader).wait(60.0)
    assert found.kind is Kind.SPL
    assert speaker.heard == b""


def test_a_monitor_is_greeted_only_where_no_command_line_answers(speaker: Speaker) -> None:
    greeted: list[Port] = []

    def hello(port: Port) -> str:
        greeted.append(port)
        return "monitor 1"

    with Port.open(speaker.tty, time_scale=SCALE) as port:
        assert Watcher(port, VIRT.loader).detect(hello).text == "monitor 1"
        speaker.answers[b"\x03"] = b"\r\n=> "
        assert Watcher(port, VIRT.loader).detect(hello).kind is Kind.PROMPT
        speaker.answers[b"\x03"] = b"\r\nunknown> "
        assert Watcher(port, VIRT.loader).detect(hello).kind is Kind.TEXT
        assert len(greeted) == 1
        speaker.answers[b"\x03"] = b"\r\nStarryLab monitor\r\n"
        assert Watcher(port, VIRT.loader).detect(hello).kind is Kind.MONITOR
