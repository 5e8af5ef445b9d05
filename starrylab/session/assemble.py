"""Put a machine together as a configuration says: RAM, CPU, kernel, files, first program.

Both the lab process and `starrylab run` start here.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from ..abi.fcntl import O_RDWR
from ..abi.signal import SIGINT, SIGQUIT
from ..devices.uart16550 import Uart16550
from ..kernel import boot
from ..kernel.dev.memtrack import MemoryTracker
from ..kernel.dev.setup import UART_IRQ, attach_serial
from ..kernel.files.tty import open_tty
from ..kernel.signal.info import SignalInfo
from ..kernel.task.cred import Credentials
from ..kernel.thread_signals import send_group_signal, send_process_signal
from ..machine.api import HartLost
from ..machine.door import HostDoor
from ..machine.skipping import SkippingDoor
from ..rootfs import RootfsError
from ..rootfs.source import has_program
from ..userland import BuildError
from .config import Bind, GdbPort, LabConfig
from .harts import HartError, make_hart
from .host_streams import Emit, InputPump, OutputPump
from .keeping import Keeper
from .mounting import MountError, Root, mount_all, mount_bind, only_on_host, open_root

if TYPE_CHECKING:
    from ..debug.control.debugger import Debugger
    from ..debug.gdb.server import Server
    from ..debug.leaks.tracker import Tracker
    from ..kernel.dev.tty import Tty
    from ..kernel.files.file import File
    from ..kernel.kernel import Kernel
    from ..kernel.thread import Thread
    from ..labs.live import LiveLab
    from ..machine.api import Hart

_PATH: Final = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
_INITS: Final = ("/sbin/init", "/init", "/bin/sh")
_SHELL: Final = b"/bin/sh"
_LOST: Final = 74  #: exit status: EX_IOERR of <sysexits.h>
_KEY_SIGNALS: Final = (SIGINT, SIGQUIT)


class AssemblyError(Exception):
    """The lab cannot start: one line, and the exit status for a command line."""

    def __init__(self, message: str, status: int = 125) -> None:
        super().__init__(message)
        self.status = status


@dataclass(frozen=True, slots=True)
class SerialIo:
    """The host's side of a serial line beside the console."""

    emit: Callable[[bytes], object]  #: takes what the guest prints on it
    input_fd: int  #: what is typed comes from here


@dataclass(frozen=True, slots=True)
class SerialLine:
    """A serial line of the machine."""

    tty: Tty
    hold: Callable[[bool], None]  #: tells the UART that the other end is busy


@dataclass(slots=True)
class HostIo:
    """The host's side of standard input and output."""

    emit_console: Callable[[bytes], object]  #: takes what the guest prints on its terminal
    emit: tuple[Emit, Emit]  #: standard output and error, where they are no terminal
    emit_fds: tuple[int, int] = (1, 2)  #: what to wait for when `emit` did not take everything
    stdin_tty: bool = True
    stdout_tty: bool = True
    stderr_tty: bool = True
    size: tuple[int, int] = (24, 80)  #: rows, columns
    stdin_fd: int = 0
    progress: Callable[[str], None] | None = None  #: told what takes long
    warn: Callable[[str], object] = str  #: told what went wrong on the host's side
    tell: Callable[[str], object] = str  #: told what the user has to know
    may_pause: bool = False  #: somebody may stop the lab and its clocks at any time
    lines: Sequence[SerialIo] = ()  #: ttyS1 and so on


class Lab:
    """A machine, its kernel, and the way in and out."""

    def __init__(self, kernel: Kernel, hart: Hart, door: HostDoor) -> None:
        self.kernel = kernel
        self.hart = hart
        self.door = door
        self.resize: Callable[[int, int], None] = lambda _rows, _columns: None
        self.lines: list[SerialLine] = []  #: ttyS0, the console, and so on
        self.exercise: Path | None = None  #: the folder with a student's files
        self.outputs: list[OutputPump] = []  #: what leaves otherwise than by the console
        self.debugger: Debugger | None = None
        self.gdb: Server | None = None
        self.first = boot.BootConfig([])  #: the first process
        self.keeper: Keeper | None = None  #: who keeps what changes in the root
        self.warn: Callable[[str], object] = str  #: told what went wrong on the host's side
        self._tracker: Tracker | None = None
        kernel.components.bind(MemoryTracker, lambda _kernel: self.tracker())

    def run(self) -> int:
        """Run until the first process ends; return its exit status as a shell shows it."""
        if self.debugger is None:
            self.kernel.executor.run()
        if self.debugger is not None:  # it may have come meanwhile
            self._run_debugged(self.debugger)
        self.hart.set_tick(0)
        if not self._keep():
            return _LOST
        status = self.kernel.exit_status
        if status is None:
            return 143
        return 128 + (status & 0x7F) if status & 0x7F else status >> 8 & 0xFF

    def tracker(self) -> Tracker:
        """Return what tracks allocations, made at the first call; /dev/memtrack has the same."""
        if self._tracker is None:
            from ..debug.leaks.tracker import Tracker

            self._tracker = Tracker(self.kernel)
        return self._tracker

    def debug(self) -> Debugger:
        """Return the lab's debugger, made at the first call; from the door, or before `run`."""
        if self.debugger is None:
            from ..debug.control.debugger import Debugger

            self.debugger = Debugger(self.kernel)
        return self.debugger

    def _run_debugged(self, debugger: Debugger) -> None:
        """Run; while the debugger holds the machine, serve who gives it commands."""
        try:
            while True:
                try:
                    debugger.run()
                except BrokenPipeError:
                    raise
                except (Exception, SystemExit) as bug:  # a panic, which can be looked at
                    self.kernel.panic(bug)
                if not debugger.paused:
                    return
                debugger.serve_pause()
        finally:
            if self.gdb is not None:
                self.gdb.close()

    def signal(self, signo: int) -> None:
        """Pass on a signal that the host was sent; to be called from the door.

        What a key would send goes to the first process's whole group.
        """
        init = self.kernel.init
        if signo in _KEY_SIGNALS:
            send_group_signal(init.group, SignalInfo(signo))
        elif init.signals.killable:
            send_process_signal(init, SignalInfo(signo))
        else:
            self.stop()

    def _keep(self) -> bool:
        """Write what changed in the root, if that was asked for; tell whether it worked."""
        if self.keeper is None or self.kernel.panic_text is not None:
            return True
        try:
            self.keeper.save()
        except RootfsError as error:
            self.warn(f"{error}; what changed in the root is lost")
            return False
        self.keeper.close()
        return True

    def finish_output(self) -> None:
        """Write what the host was too slow to take while the machine ran."""
        for output in self.outputs:
            output.finish()

    def stop(self) -> None:
        """Make `run` return soon."""
        self.kernel.executor.stop()
        self.hart.interrupt()
        if self.debugger is not None:
            self.debugger.leave()


def assemble(config: LabConfig, io: HostIo) -> Lab:
    """Build the lab and load the first program; raise `AssemblyError`."""
    try:
        root = open_root(config, io.progress)
    except (RootfsError, BuildError) as error:
        raise AssemblyError(str(error)) from None
    try:
        hart = make_hart(config)
    except HartError as error:
        raise AssemblyError(str(error)) from None
    live = None if config.lab is None else _open_lab(config.lab)
    try:
        return _build(config, io, root, hart, live)
    except AssemblyError:
        raise
    except Exception as bug:
        if live is None:
            raise
        raise AssemblyError(f"the kernel does not start with your files: {live.why(bug)}") from None


def _build(config: LabConfig, io: HostIo, root: Root, hart: Hart, live: LiveLab | None) -> Lab:
    make_door = SkippingDoor if config.time == "skip" else HostDoor
    door = make_door(can_freeze=io.may_pause or config.debug or config.gdb is not None)
    kernel = boot.build(hart, door, None if live is None else live.parts)
    kernel.describe_panic = lambda bug: _describe_panic(kernel, bug)
    lab = Lab(kernel, hart, door)
    try:
        tty = _attach_console(lab, io)
        for line in io.lines:
            _attach_line(lab, line, io.size)
        mount_all(kernel, config, root)
        lab.keeper, lab.warn = root if isinstance(root, Keeper) else None, io.warn
        if live is not None:
            lab.exercise = live.folder
            _put_in(live, kernel, io)
        lab.first = _boot_config(config, root, interactive=io.stdin_tty)
        boot.start(kernel, lab.first, lambda thread: _stdio(lab, io, tty, thread))
    except boot.BootError as error:
        from ..kernel.boot_errors import NOT_FOUND  # most programs are found

        hint = only_on_host(config) if error.status == NOT_FOUND else ""
        raise AssemblyError(f"{error}{hint}", error.status) from None
    except MountError as error:
        raise AssemblyError(str(error)) from None
    if config.gdb is not None:
        _listen_for_gdb(lab, config.gdb, io)
    elif config.debug:
        lab.debug().stop_at_start()
    return lab


def _open_lab(folder: str) -> LiveLab:
    from ..labs import LabError  # most runs are no exercise
    from ..labs.live import open_live

    try:
        return open_live(Path(folder))
    except LabError as error:
        raise AssemblyError(str(error)) from None


def _put_in(live: LiveLab, kernel: Kernel, io: HostIo) -> None:
    """Let the kernel have a student's files: its parts, and programs in /usr/local/bin."""
    from ..labs import LabError

    if any(live.programs.iterdir()):
        mount_bind(kernel, Bind(str(live.programs), b"/usr/local/bin", "ro"))
    try:
        live.attach(kernel, io.tell)
    except LabError as error:
        raise AssemblyError(str(error)) from None


def _listen_for_gdb(lab: Lab, gdb: GdbPort, io: HostIo) -> None:
    from ..debug.gdb.server import Server, ServerError

    debugger = lab.debug()
    try:
        lab.gdb = Server(lab.kernel, debugger, lab.door, gdb.port, io.tell)
    except ServerError as error:
        raise AssemblyError(f"--gdb {error}") from None
    lab.gdb.announce(wait=gdb.wait)


def _describe_panic(kernel: Kernel, bug: BaseException) -> str:
    """Return the text of a panic with the one stack that led to it."""
    if isinstance(bug, HartLost):
        return f"{bug}\n"
    from ..debug.last_stacks import PanicReport  # most runs need none
    from ..debug.stack import Stacks

    return PanicReport(Stacks(kernel)).describe(bug)


def _boot_config(config: LabConfig, root: Root, *, interactive: bool) -> boot.BootConfig:
    source = root.tree if isinstance(root, Keeper) else root
    argv: Sequence[bytes] = config.argv
    if not argv:
        found = [path for path in _INITS if has_program(source, path)]
        if not found:
            raise AssemblyError(
                "the root file system has no /sbin/init, /init or /bin/sh; "
                "name a program: starrylab run --rootfs ... -- PROGRAM",
                127,
            )
        argv = (found[0].encode(),)
    uid, gid = config.user
    env = {
        "PATH": _PATH,
        "HOME": "/root" if uid == 0 else "/",
        "TERM": os.environ.get("TERM", "xterm-256color"),
        "HOSTNAME": config.hostname,
    }
    if interactive:  # what the console understands; scripts get the C locale, as elsewhere
        env["LANG"] = "C.UTF-8"
    env.update(config.env)
    return boot.BootConfig(
        argv,
        tuple(os.fsencode(f"{name}={value}") for name, value in env.items()),
        config.cwd,
        Credentials.user(uid, gid),
        config.hostname.encode(),
        is_init=not config.argv and argv[0] != _SHELL,
    )


def _attach_console(lab: Lab, io: HostIo) -> Tty:
    """Connect the guest's first serial line to the host's terminal."""
    tty = _attach_uart(lab, "console", io.emit_console, io.size)
    lab.resize = tty.resize
    return tty


def _attach_line(lab: Lab, line: SerialIo, size: tuple[int, int]) -> None:
    """Connect the guest's next serial line to a terminal of the host."""
    source = f"line {len(lab.lines)}"
    _attach_uart(lab, source, line.emit, size)
    lab.door.attach(source, line.input_fd)


def _attach_uart(
    lab: Lab, source: str, transmit: Callable[[bytes], object], size: tuple[int, int]
) -> Tty:
    """Add a UART that hears what the door's ``source`` says."""
    uart = Uart16550(transmit=transmit)
    tty, line = attach_serial(lab.kernel, uart, irq=UART_IRQ + len(lab.lines))
    uart.irq = line
    uart.request_to_send = lambda on: lab.door.pause(source, not on)
    tty.resize(*size)
    lab.lines.append(SerialLine(tty, uart.hold))
    lab.door.subscribe(source, lambda data: uart.receive(data) if data else tty.hang_up())
    return tty


def _stdio(lab: Lab, io: HostIo, tty: Tty, thread: Thread) -> Sequence[File]:
    """Open descriptors 0, 1 and 2: the console, or pipes from and to the host."""
    if io.stdin_tty:
        lab.door.attach("console", io.stdin_fd)
        files = [_open_console(thread, tty)]
    else:
        files = [InputPump(lab.kernel, lab.door, "stdin", io.stdin_fd).file]
    for index, is_tty in enumerate((io.stdout_tty, io.stderr_tty)):
        files.append(_open_console(thread, tty) if is_tty else _output(lab, io, index))
    return files


def _output(lab: Lab, io: HostIo, index: int) -> File:
    source, name = (("stdout", "standard output"), ("stderr", "standard error"))[index]

    def failed(error: OSError) -> None:
        io.warn(f"{name}: {error.strerror}; what the program writes there is lost")

    fd = io.emit_fds[index]
    pump = OutputPump(lab.kernel, lab.door, source, fd, io.emit[index], failed)
    lab.outputs.append(pump)
    return pump.file


def _open_console(thread: Thread, tty: Tty) -> File:
    place = thread.fs.walk(b"/dev/" + tty.name, thread.cred)
    return open_tty(tty, thread, place, O_RDWR)
