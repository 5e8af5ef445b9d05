"""Whatever a line does to the bytes: the image runs whole, or one message says why not."""

from __future__ import annotations

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from starrylab.flash.errors import FlashError
from starrylab.flash.events import Event, Said
from starrylab.flash.job import Job
from starrylab.flash.strategy import Flasher
from starrylab.link.errors import LinkError
from starrylab.link.port import Port
from tests.fakes.uboot import FakeUBoot
from tests.flash.test_flasher import IMAGE, VIRT, started, typed_nothing_else

SCALE = 0.02
SMALL = IMAGE[:3000]
PLAN = st.dictionaries(
    st.integers(0, 3600), st.sampled_from(["drop", "flip", "double"]), max_size=8
)


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(to_board=PLAN, from_board=PLAN.map(lambda plan: {at % 60: how for at, how in plan.items()}))
def test_any_damage(to_board: dict[int, str], from_board: dict[int, str]) -> None:
    def press(event: Event) -> None:
        if isinstance(event, Said) and event.urgent:
            board.press_reset()

    with FakeUBoot(SCALE, delay=100) as board:
        board.wire.to_board.update(to_board)
        board.wire.from_board.update(from_board)
        board.power_on()
        with Port.open(board.tty, time_scale=SCALE) as port:
            failure = ""
            try:
                Flasher(port, Job(VIRT, SMALL), press).run()
            except (FlashError, LinkError) as error:
                failure = str(error)
            assert port.baud == 115200
        assert "\n" not in failure
        assert board.started == [] if failure else started(board, SMALL)
        assert typed_nothing_else(board), board.entered
