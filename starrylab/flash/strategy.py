"""Off, boot ROM, boot loader, image, monitor: one step from each state until the goal is reached.

A step looks at the board, does one thing, and says in which state the board is then. Whatever
fails in a way that a reset mends leads back to `State.OFF`, a few times.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Final

from ..link.detect import Kind, Sighting, Watcher
from ..link.pmon import Pmon
from ..link.shell import ShellError
from ..link.uboot import UBoot, rescue
from ..link.xmodem import TransferError
from . import advice, recovery, storage
from .errors import FlashError
from .events import Event, Said, State, StateChanged
from .job import ImageKind, Job, kind_of, refuse_overwriting, start_command
from .transfer import Deaf, Transfer

if TYPE_CHECKING:
    from ..boards import Board
    from ..boards.board import BootLoader
    from ..link.loader import Loader
    from ..link.port import Port
    from .job import Greeter

_LOADERS: Final[dict[str, type[Loader]]] = {"u-boot": UBoot, "pmon": Pmon}
_RESETS: Final = 3  #: times that a person is asked for a reset
_RESTART: Final = 20.0  #: seconds from a monitor's reset to the boot loader's prompt
_FIRST_WORDS: Final = 1.0  #: seconds in which a boot loader says that it does not start an image
_GREETING: Final = 5.0  #: seconds until a monitor answers
#: what an abandoned transfer looks like from another rate
_RESCUED: Final = frozenset({Kind.SILENCE, Kind.GARBAGE})
_STATES: Final = {
    Kind.PROMPT: State.LOADER,
    Kind.ROM: State.ROM,
    Kind.SPL: State.SPL,
    Kind.MONITOR: State.MONITOR,
}


def check(job: Job) -> None:
    """Raise `FlashError` for what cannot work, without touching the board."""
    if not _dialects(job.board):
        raise FlashError(f"{job.board.title} has no boot loader with a serial line to flash by")
    kind = kind_of(job.image)
    if job.persist is not None:
        storage.medium_for(job.board, job.persist, job.image)
    elif kind is ImageKind.DISK:
        media = ", ".join(medium.name for medium in job.board.storage) or "no medium"
        raise FlashError(f"a disk image is not started but stored: --persist {media}")
    else:
        refuse_overwriting(job, job.board.boot)


def _dialects(board: Board) -> list[BootLoader]:
    return [dialect for dialect in board.loader if dialect.kind in _LOADERS]


class Flasher:
    """Brings one job to one board. `say` is called from the thread that runs."""

    def __init__(
        self,
        port: Port,
        job: Job,
        say: Callable[[Event], None],
        *,
        confirm: Callable[[str], bool] | None = None,
        greeter: Greeter | None = None,
    ) -> None:
        self._port = port
        self._job = job
        self._say = say
        self._confirm = confirm
        self._greeter = greeter
        check(job)
        self._kind = kind_of(job.image)
        self._dialects = _dialects(job.board)
        self._dialect: BootLoader | None = None
        self._transfer: Transfer | None = None
        self._loader: Loader | None = None
        self._resets = 0
        self._losses = 0
        self._confirmed = False  #: once is enough, should the board restart in between
        self._sighting = Sighting(Kind.SILENCE)
        self._steps: dict[State, Callable[[], State]] = {
            State.UNKNOWN: self._look,
            State.OFF: self._await_power,
            State.ROM: self._rom,
            State.SPL: self._spl,
            State.LOADER: self._load,
            State.LOADED: self._start,
            State.STARTED: self._greet,
            State.MONITOR: self._leave_monitor,
        }

    def run(self) -> None:
        """Do the job; raise `FlashError` or `LinkError`."""
        home = self._port.baud
        state = State.UNKNOWN
        try:
            while state is not State.DONE:
                self._say(StateChanged(state))
                state = self._steps[state]()
        finally:
            if self._port.baud != home:
                self._port.baud = home
        self._say(StateChanged(state))

    # The steps.

    def _look(self) -> State:
        hello = self._hello if self._greeter is not None else None
        self._sighting = Watcher(self._port, self._dialects).detect(hello)
        if self._sighting.kind in _RESCUED and self._left_alone():
            self._sighting = Watcher(self._port, self._dialects).detect(hello)
        return self._arrived()

    def _left_alone(self) -> bool:
        """End a transfer at another rate whose other side has gone."""
        home = self._port.baud
        bauds = [baud for baud in self._job.board.uart.bauds if baud != home]
        can = any(dialect.load_baud is not None for dialect in self._dialects)
        return can and rescue(self._port, bauds)

    def _await_power(self) -> State:
        self._resets += 1
        if self._resets > _RESETS:
            raise FlashError(f"{self._resets - 1} resets did not help; {advice.CABLE}")
        self._say(Said(advice.next_step(self._sighting), urgent=True))
        seconds = self._job.patience
        before = self._sighting
        self._sighting = Watcher(self._port, self._dialects).wait(seconds)
        if self._sighting.kind is Kind.SILENCE:
            self._sighting = before  # which says more
        if self._sighting.kind not in _STATES:
            raise FlashError(advice.dead_end(self._job.board, self._sighting, seconds))
        return self._arrived()

    def _rom(self) -> State:
        return self._recover(recovery.send_spl, State.SPL)

    def _spl(self) -> State:
        return self._recover(recovery.send_uboot, State.OFF)

    def _recover(self, send: Callable[..., None], then: State) -> State:
        files = self._job.recovery
        if self._job.board.recovery.kind == "none":
            raise FlashError(
                "the board waits for a file (it sends C), and Ctrl-C does not end that: "
                "reset it and start over"
            )
        if files is None:
            raise FlashError(
                f"saw {self._sighting.kind.value}: name its files with --recovery SPL U-BOOT, "
                "or set the boot switches to flash and reset the board"
            )
        try:
            send(self._port, files, self._say)
        except TransferError as error:
            self._say(Said(str(error)))
            self._sighting = Sighting(Kind.TEXT, str(error))
            return State.OFF
        if then is State.OFF:
            self._sighting = Watcher(self._port, self._dialects).wait(self._job.patience)
            return self._arrived()
        return then

    def _load(self) -> State:
        loader, dialect, transfer = self._at_prompt()
        job = self._job
        try:
            loader.sync()
            taken = loader.taken()
            if job.persist is not None:
                return self._persist(loader, dialect, transfer)
            refuse_overwriting(job, dialect, taken)
            transfer.load(dialect.load_address, job.image, job.name)
        except (Deaf, ShellError) as error:
            return self._lost(str(error))
        return State.LOADED

    def _persist(self, loader: Loader, dialect: BootLoader, transfer: Transfer) -> State:
        job = self._job
        medium = storage.medium_for(job.board, job.persist or "", job.image)
        writer = storage.Writer(job.board, dialect, loader, transfer, self._say)
        if not self._confirmed:
            asked = storage.question(job.board, medium, job.image)
            if self._confirm is None or not self._confirm(asked):
                raise FlashError("nothing was written")
            self._confirmed = True
        writer.write(medium, job.image, job.name)
        return State.DONE

    def _start(self) -> State:
        loader, dialect, _ = self._at_prompt()
        address = dialect.spelled(dialect.load_address)
        loader.enter(start_command(dialect, self._kind, address))
        return State.STARTED

    def _greet(self) -> State:
        loader, _, _ = self._at_prompt()
        refusal = loader.prompt_within(_FIRST_WORDS)
        if refusal is not None:
            raise FlashError(f"the boot loader did not start the image: {refusal}")
        if self._greeter is None or not self._job.greets:
            return State.DONE
        version = self._greeter.hello(self._port, _GREETING)
        if version is None:
            raise FlashError("the image was started, but no monitor answers")
        self._say(Said(version))
        return State.DONE

    def _leave_monitor(self) -> State:
        """Make a monitor restart the board: what shall run is another image."""
        if self._greeter is None:
            return State.OFF
        self._greeter.reset(self._port)
        after = Watcher(self._port, self._dialects).wait(_RESTART)
        if after.kind is Kind.SILENCE:
            return State.OFF  # what was seen is still the monitor
        self._sighting = after
        return self._arrived()

    # Helpers.

    def _arrived(self) -> State:
        """Return the state that belongs to what was seen."""
        self._dialect = next((d for d in self._dialects if d is self._sighting.dialect), None)
        return _STATES.get(self._sighting.kind, State.OFF)

    def _lost(self, why: str) -> State:
        """Look again what is there, a few times: the board may have restarted by itself."""
        self._losses += 1
        if self._losses > _RESETS:
            raise FlashError(f"the boot loader is lost again and again: {why}")
        self._say(Said(why))
        return State.UNKNOWN

    def _at_prompt(self) -> tuple[Loader, BootLoader, Transfer]:
        """Return the boot loader that was found, and what sends to it."""
        dialect = self._dialect or self._dialects[0]
        if self._loader is None or self._loader.dialect is not dialect or self._transfer is None:
            self._loader = _LOADERS[dialect.kind](self._port, dialect)
            self._transfer = Transfer(
                self._loader, dialect, self._job.board.uart, self._job.baud, self._say
            )
        return self._loader, dialect, self._transfer

    def _hello(self, port: Port) -> str | None:
        return self._greeter.hello(port, 1.0) if self._greeter is not None else None
