"""The Textual application: owns the client, hands its events to the screen, owns the keys.

Every key that the console keeps for itself is listed in `screens/keys.py`; all others belong to
the guest while its terminal has the focus, and F4 passes even the next kept key on.
"""

from __future__ import annotations

import io
from collections.abc import Iterable
from pathlib import Path
from typing import ClassVar

import msgspec
from textual.app import SystemCommand
from textual.binding import Binding, BindingType
from textual.screen import Screen
from textual.timer import Timer

from .screens.commands import all_commands
from .screens.console import ConsoleScreen
from .screens.endings import described
from .screens.export import content, export, file_name
from .screens.key_help import KeyHelp
from .screens.keys import KEYS
from .screens.second_press import SecondPress
from .screens.serial_app import SerialApp
from .screens.settings import SettingsStore
from .screens.views.calls import CallsView
from .screens.views.debugger import DebuggerView
from .screens.views.leaks import LeaksView
from .screens.views.processes import ProcessesView
from .screens.views.view import View
from .screens.widgets.processes import ProcessPane
from .screens.widgets.terminal import Terminal
from .screens.widgets.terminal.host_keys import name_alt_keys
from .session import protocol
from .session.client import LabClient
from .session.config import LabConfig
from .session.debugging.model import DebugReply, Resumed, Stopped
from .session.front_end import FrontEnd, LabState
from .session.leaks import LeakReply
from .session.relay import Relay
from .session.tracing import Traced, TraceRefused, WaitsFound

_SAVE_AFTER = 0.5  #: seconds after a change of the layout
_OVER = (LabState.ENDED, LabState.PANIC, LabState.CRASHED)


class ConsoleApp(SerialApp, inherit_bindings=False):
    """The console."""

    TITLE = "StarryLab"
    COMMAND_PALETTE_BINDING = "f2"
    CSS_PATH = "screens/console.tcss"
    BINDINGS: ClassVar[list[BindingType]] = [
        *(
            Binding(key.key, key.action, key.label, id=key.ident, tooltip=key.tooltip,
                    show=key.show, priority=True)
            for key in KEYS
        ),
        Binding("r", "restart_ended", "Restart", id="app.restart-ended", show=False,
                tooltip="Boot a lab that ended again", priority=True),
    ]  # fmt: skip

    def __init__(
        self,
        config: LabConfig | None = None,
        client: FrontEnd | None = None,
        store: SettingsStore | None = None,
        *,
        share: bool = False,
    ) -> None:
        """Without a ``store`` nothing is remembered; ``share``: others may join the lab."""
        super().__init__()
        self.config = config or LabConfig()
        self.client = client or LabClient()
        self.store = store or SettingsStore(None)
        self.console_screen = ConsoleScreen(self.store.settings)
        self.relay = Relay(self.client, self.console_screen.terminal) if share else None
        self._second_press = SecondPress()
        self._counting = False
        self._literal = False
        self._sized = False
        self._saving: Timer | None = None

    def get_default_screen(self) -> Screen[None]:
        """Return the console.

        Not a mode of `MODES`: with eager tasks (Python 3.12) the widgets of a mode's screen
        start before the screen is the app's, and an `Input` asks for it as it starts.
        """
        return self.console_screen

    def on_mount(self) -> None:
        """Listen to the lab; it boots once the terminal knows its size."""
        self._restore()
        self.run_worker(self._listen(), name="lab events", exit_on_error=True)
        self.set_interval(1, self._pass_time)
        self._redraw()

    async def on_unmount(self) -> None:
        """Take the lab down, and remember the layout."""
        self._save()
        if self.relay is not None:
            await self.relay.close()
        await self.client.close()

    async def _share(self) -> None:
        """Let others join the lab (`starrylab attach`)."""
        if self.relay is None:
            return
        try:
            await self.relay.open()
        except OSError as error:
            self.notify(f"nobody can join this lab: {error}", severity="warning", timeout=8)
            return
        self.console_screen.terminal.tap = self.relay.output

    def on_console_screen_rearranged(self) -> None:
        """Remember the layout soon; a bar that is dragged moves often."""
        if self._saving is None:
            self._saving = self.set_timer(_SAVE_AFTER, self._save)

    def _save(self) -> None:
        self._saving = None
        self.store.settings.theme = self.theme
        if problem := self.store.save():
            self.notify(problem, severity="warning", timeout=15)

    def _restore(self) -> None:
        """Put back what was remembered; what does not fit any more is named."""
        settings = self.store.settings
        if self.store.problem:
            self.notify(self.store.problem, severity="warning", timeout=15)
        if settings.theme in self.available_themes:
            self.theme = settings.theme
        self.set_keymap(settings.keys)

    # -- events of the lab -----------------------------------------------------------------

    async def _listen(self) -> None:
        await self._share()
        screen = self.console_screen
        async for event in self.client.events():
            if self.relay is not None:
                self.relay.event(event)
            match event:
                case protocol.Output():
                    if not screen.lines.feed(event.line, event.data):
                        # Nobody opened this line: its transcript has it, and the writer goes on.
                        self.client.consumed(len(event.data), event.line)
                case protocol.LineOpened():
                    await self._line_opened(event)
                case protocol.Booted() | protocol.Joined():
                    screen.banner.hide()
                    await self._forget_lines()
                    if not self.client.owner:  # who restarts a lab has cleared it by then
                        screen.terminal.clear()
                    self._redraw()
                case protocol.WindowSize():
                    if (terminal := screen.lines.terminals.get(event.line)) is not None:
                        terminal.fix_size(event.rows, event.columns)
                case protocol.Answered():
                    screen.answered(event.answer)
                case Stopped() | Resumed():
                    await screen.debug_event(event)
                    self._redraw()
                case Traced() | TraceRefused() | WaitsFound():
                    screen.calls.trace_event(event)
                case protocol.Log():
                    self.notify(event.text, timeout=10)
                case protocol.Exited() | protocol.Panic() | protocol.Failed() | protocol.Crashed():
                    self._ended(event)
                case _:
                    self._redraw()

    def _redraw(self) -> None:
        client = self.client
        title = client.title
        if not client.owner:
            title += " (joined)" if client.control else " (watching)"
        elif self.relay is not None and (count := self.relay.watchers):
            title += f" ({count} joined)"
        self.console_screen.show_lab(title, client.state, client.snapshot, paused=client.paused)

    def _pass_time(self) -> None:
        self.console_screen.title_bar.pass_time(self.client.uptime_ns)

    def _ended(self, event: protocol.Event) -> None:
        headline, details = described(event)
        path = self.client.transcript_path
        advice = f"Press r to {'boot it' if self.client.owner else 'join'} again, F10 to quit."
        if path is not None:
            advice += f"  Transcript: {path}"
        self.console_screen.banner.display_text(headline, details, advice)
        self._redraw()

    # -- messages of the widgets ---------------------------------------------------------

    async def first_sized(self) -> None:
        """Boot, once the console has a size."""
        if not self._sized:
            self._sized = True
            await self._start()

    def on_terminal_copied(self, message: Terminal.Copied) -> None:
        """Put the selection on the clipboard."""
        self.copy_to_clipboard(message.text)
        self.notify(f"{len(message.text)} characters copied", timeout=1.5)

    def on_process_pane_signalled(self, message: ProcessPane.Signalled) -> None:
        """Send a signal to a guest process."""
        self.client.signal(message.pid, message.signo)

    async def on_view_boot_wanted(self, message: View.BootWanted) -> None:
        """Boot another machine."""
        message.stop()
        if not self.client.owner:
            self.notify("only the console that started the lab can boot another one", timeout=5)
            return
        self.config = msgspec.structs.replace(self.config, **message.changes)
        await self._restart()

    def on_processes_view_limit_chosen(self, message: ProcessesView.LimitChosen) -> None:
        """Give a guest process another limit."""
        message.stop()
        self.client.set_limit(message.pid, message.name, message.soft, message.hard)

    def on_console_screen_asked(self, message: ConsoleScreen.Asked) -> None:
        """Pass a view's question on."""
        self.client.ask(message.question)

    def on_debugger_view_commanded(self, message: DebuggerView.Commanded) -> None:
        """Pass a debugger's command on."""
        message.stop()
        if self.client.alive:
            self.client.debug(message.command, message.tell)
        else:
            message.tell(DebugReply(0, error="there is no running lab"))

    def on_leaks_view_requested(self, message: LeaksView.Requested) -> None:
        """Pass a request to the leak tracker on."""
        message.stop()
        if self.client.alive:
            self.client.leaks(message.request, message.tell)
        else:
            message.tell(LeakReply(0, error="there is no running lab"))

    def on_calls_view_commanded(self, message: CallsView.Commanded) -> None:
        """Pass a command about the trace on."""
        message.stop()
        self.client.send(message.command)

    async def on_process_pane_trace_wanted(self, message: ProcessPane.TraceWanted) -> None:
        """Trace a process."""
        await self.console_screen.trace_process(message.pid)

    async def on_process_pane_debug_wanted(self, message: ProcessPane.DebugWanted) -> None:
        """Stop the lab and look at a process."""
        screen = self.console_screen
        await screen.show_view(screen.views.index(screen.debugger))
        screen.debugger.look_at_process(message.pid)

    def on_calls_view_count_switched(self, message: CallsView.CountSwitched) -> None:
        """Count system calls by name, or stop."""
        message.stop()
        self.action_count_calls()

    # -- actions -------------------------------------------------------------------------

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Let the guest have a key after F4; ``r`` restarts only what has ended."""
        if action == "restart_ended":
            return self.client.state in _OVER and not self.console_screen.search.has_focus
        if self.console_screen.debugger.takes(action, self.focused):
            return False
        kept = any(key.action.partition("(")[0] == action for key in KEYS)
        return not (self._literal and kept)

    def action_count_calls(self) -> None:
        """Count system calls by name in the memory pane, or stop."""
        self._counting = not self._counting
        self.client.count_calls(self._counting)

    async def _start(self) -> None:
        try:
            self._counting = False
            await self.client.start(self.config)
        except OSError as error:
            what = (
                "the lab process cannot be started" if self.client.owner else "cannot join the lab"
            )
            self._ended(protocol.Failed(f"{what}: {error}"))
        self._redraw()

    def _is_meant(self, action: str, what: str) -> bool:
        """Return whether to do what loses work; a full-screen program may have wanted the key."""
        client, terminal = self.client, self.console_screen.terminal.terminal
        busy = client.owner and client.state is LabState.RUNNING
        special = busy and (terminal.on_alternate or client.paused)
        if not special or self._second_press.confirms(action):
            return True
        self.notify(f"press it again to {what}; F4 first: the program gets it", timeout=4)
        return False

    async def action_quit(self) -> None:
        """End the lab and the console."""
        if self._is_meant("quit", "end the lab and the console"):
            await super().action_quit()

    async def action_restart(self) -> None:
        """Boot again."""
        if self._is_meant("restart", "boot the lab again"):
            await self._restart()

    async def _restart(self) -> None:
        screen = self.console_screen
        screen.banner.hide()
        screen.terminal.clear()
        screen.debugger.forget()
        await self._start()

    async def action_restart_ended(self) -> None:
        """Boot again after an end."""
        await self._restart()

    def action_literal(self) -> None:
        """Pass the next key to the guest."""
        self._literal = True
        self.notify("the next key goes to the guest", timeout=1.5)

    def action_export(self, kind: str) -> None:
        """Write the focused pane into a file of the present folder."""
        screen = self.console_screen
        pane = self.focused if self.focused in screen.panes else screen.terminal
        assert pane is not None
        if self.is_web:  # a visitor's files are the visitor's, not the host's
            text = io.StringIO(content(pane, kind))
            self.deliver_text(text, save_filename=file_name(pane, kind))
            return
        try:
            path = export(pane, kind, Path.cwd())
        except OSError as error:
            self.notify(f"cannot write the pane: {error}", severity="error", timeout=8)
        else:
            self.notify(f"written to {path}", timeout=8)

    def action_zoom(self) -> None:
        """See `ConsoleScreen.toggle_zoom`."""
        self.console_screen.toggle_zoom()

    def action_zoom_anywhere(self) -> None:
        """See `ConsoleScreen.toggle_zoom`; no pane has another use for its key."""
        self.console_screen.toggle_zoom()

    def action_focus_console(self) -> None:
        """See `ConsoleScreen.focus_console`."""
        self.console_screen.focus_console()

    def action_next_pane(self) -> None:
        """See `ConsoleScreen.next_pane`."""
        self.console_screen.next_pane()

    def action_split(self, steps: int) -> None:
        """See `ConsoleScreen.move_split`."""
        self.console_screen.move_split(steps)

    async def action_view(self, index: int) -> None:
        """See `ConsoleScreen.show_view`."""
        await self.console_screen.show_view(index)

    def action_find(self) -> None:
        """See `ConsoleScreen.open_search`."""
        self.console_screen.open_search()

    def action_keys(self) -> None:
        """Show the list of keys."""
        self.push_screen(KeyHelp(self.screen))

    def action_take_picture(self) -> None:
        """Save a picture of the window, once the list of commands is gone."""
        self.set_timer(0.3, self.deliver_screenshot)

    def get_system_commands(self, screen: Screen[object]) -> Iterable[SystemCommand]:
        """Everything a key does is a command as well."""
        return [SystemCommand(*command) for command in all_commands(self.console_screen)]


def main(config: LabConfig | None = None, client: FrontEnd | None = None) -> int:
    """Run the console until the user quits; return a process exit status.

    With a ``client`` of its own it shows that one's lab, and does not share it.
    """
    name_alt_keys()
    app = ConsoleApp(config, client, SettingsStore.of_user(), share=client is None)
    app.run()
    return app.return_code or 0
