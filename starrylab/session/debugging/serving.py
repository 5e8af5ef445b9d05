"""The lab's side of the debugger's protocol: commands in, replies and stops out."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final

from ...debug.control import creating, nonstop
from ...debug.control.api import Access, Action, ControlError, EventKind, StepKind, Stop
from ...debug.control.looking import Look
from . import answers, model
from .source import SourceFiles
from .stopping import stopped

if TYPE_CHECKING:
    from pathlib import Path

    from ...debug.control.api import Breakpoint
    from ...debug.control.debugger import Debugger
    from ...kernel.task.process import Process
    from ...kernel.thread import Thread

_MOST_PARTS: Final = 10_000  #: of a variable, in one answer
_MOST_CODE: Final = 1 << 16  #: bytes of code, in one answer
_EVENTS: Final = {kind.value: kind for kind in EventKind}
Send = Callable[["model.DebugReply | model.Stopped | model.Resumed"], object]


class DebugServer:
    """Serves one front end."""

    def __init__(self, debugger: Debugger, send: Send, own: Path | None = None) -> None:
        self.debugger = debugger
        self.look = Look(debugger)
        self.sources = SourceFiles(self.look, own)
        self._send = send
        debugger.listen(self._on_stop, lambda: send(model.Resumed()))
        self._rules: dict[type, Callable[[Any], model.DebugAnswer]] = {
            model.Pause: self._pause,
            model.Continue: self._continue,
            model.Step: self._step,
            model.Break: self._break,
            model.WatchMemory: self._watch,
            model.Catch: self._catch,
            model.Change: self._change,
            model.Delete: self._delete,
            model.ListPoints: self._list_points,
            model.ListThreads: self._list_threads,
            model.GetStack: self._stack,
            model.GetLocals: self._locals,
            model.GetRegisters: self._registers,
            model.GetMemory: self._memory,
            model.SetMemory: self._set_memory,
            model.Evaluate: self._evaluate,
            model.Describe: self._describe,
            model.Expand: self._expand,
            model.ExplainRegister: self._explain_register,
            model.Examine: self._examine,
            model.Disassemble: self._disassemble,
            model.GetSource: self._source,
            model.Handle: self._handle,
            model.GetMaps: self._maps,
            model.GetWaits: self._waits,
            model.Kill: self._kill,
            model.Detach: self._detach,
            model.Follow: self._follow,
            model.NonStop: self._non_stop,
        }

    def serve(self, request: model.Debug) -> None:
        """Do what a command asks for, and reply."""
        command = request.command
        try:
            answer = self._rules[type(command)](command)
        except ControlError as error:
            text = " ".join(str(error).splitlines()) or "it cannot be done"
            self._send(model.DebugReply(request.number, error=text))
        else:
            self._send(model.DebugReply(request.number, answer))

    def _on_stop(self, stop: Stop) -> None:
        self._send(stopped(self.debugger, self.look, stop))

    # -- who is meant

    def _thread(self, tid: int) -> Thread:
        kernel, stop = self.debugger.kernel, self.debugger.stop
        if not tid and stop is not None:
            tid = stop.tid
        thread = kernel.threads.get(tid) if tid else kernel.traps.current()
        if thread is None or thread.exited:
            raise ControlError(f"no thread {tid}" if tid else "no thread is alive")
        return thread

    def _process(self, pid: int) -> Process:
        if not pid:
            return self._thread(0).process
        process = self.debugger.kernel.processes.get(pid)
        if process is None or not process.threads:
            raise ControlError(f"no process {pid}")
        return process

    def _need_pause(self) -> None:
        if not self.debugger.paused:
            raise ControlError("the lab is running")

    # -- going on

    def _pause(self, command: model.Pause) -> model.DebugAnswer:
        if command.tid:
            nonstop.hold(self.debugger, command.tid)
        else:
            self.debugger.pause()
        return model.Done()

    def _non_stop(self, command: model.NonStop) -> model.DebugAnswer:
        self.debugger.non_stop = command.on
        return model.Done()

    def _continue(self, command: model.Continue) -> model.DebugAnswer:
        action = Action(signal=command.signal)
        if self.debugger.non_stop and not self.debugger.paused:
            nonstop.release(self.debugger, command.tid, action)
            return model.Done()
        self._need_pause()
        tid = command.tid or (self.debugger.stop.tid if self.debugger.stop else 0)
        self.debugger.resume({tid: action})
        return model.Done()

    def _step(self, command: model.Step) -> model.DebugAnswer:
        try:
            kind = StepKind(command.kind)
        except ValueError:
            raise ControlError(f"no such step: {command.kind}") from None
        self._need_pause()
        thread = self._thread(command.tid)
        frame = self.look.user_frame(thread, command.frame)
        self.debugger.step(
            thread.tid, kind, count=max(1, command.count), alone=command.alone, frame=frame,
            location=command.location, file=command.file, line=command.line,
        )  # fmt: skip
        return model.Done()

    def _kill(self, command: model.Kill) -> model.DebugAnswer:
        self.debugger.kill(self._process(command.pid))
        if self.debugger.paused:
            self.debugger.resume()
        return model.Done()

    def _detach(self, _: model.Detach) -> model.DebugAnswer:
        for info in list(self.debugger.points.infos()):
            self.debugger.points.remove(info.number)
        self.debugger.detach()
        return model.Done()

    def _follow(self, command: model.Follow) -> model.DebugAnswer:
        self.debugger.follow_children = command.children
        return model.Done()

    # -- breakpoints

    def _points(self, *infos: Breakpoint) -> model.DebugAnswer:
        return model.Points(tuple(answers.point(self.debugger, info) for info in infos))

    def _break(self, command: model.Break) -> model.DebugAnswer:
        location = command.location
        if not location:
            location = f"*{self._thread(0).context.pc:#x}"
        info = creating.add_breakpoint(
            self.debugger, location, file=command.file, line=command.line,
            condition=command.condition, temporary=command.temporary, pid=command.pid,
            tid=command.tid, ignore=command.ignore,
        )  # fmt: skip
        return self._points(info)

    def _watch(self, command: model.WatchMemory) -> model.DebugAnswer:
        thread = self._thread(command.tid)
        addr, size = self.look.memory_of(thread, command.frame, command.expression)
        access = {"read": Access.READ, "write": Access.WRITE}.get(command.access, Access.ANY)
        info = creating.add_watchpoint(
            self.debugger, addr, size, access, text=command.expression,
            condition=command.condition, pid=thread.process.pid,
        )  # fmt: skip
        return self._points(info)

    def _catch(self, command: model.Catch) -> model.DebugAnswer:
        names, condition = command.names, command.condition
        if command.what == "syscall":
            return self._points(creating.catch_calls(self.debugger, names, condition=condition))
        if command.what == "signal":
            return self._points(creating.catch_signals(self.debugger, names, condition=condition))
        if command.what in creating.EXCEPTIONS:
            found = creating.catch_exception(self.debugger, command.what, condition=condition)
            return self._points(found)
        if command.what not in _EVENTS:
            raise ControlError(f"cannot catch {command.what}")
        kind = _EVENTS[command.what]
        return self._points(creating.catch_event(self.debugger, kind, condition=condition))

    def _change(self, command: model.Change) -> model.DebugAnswer:
        info = creating.change(
            self.debugger, command.number, enabled=command.enabled, condition=command.condition,
            ignore=command.ignore,
        )  # fmt: skip
        return self._points(info)

    def _delete(self, command: model.Delete) -> model.DebugAnswer:
        points = self.debugger.points
        numbers = [command.number] if command.number else [i.number for i in points.infos()]
        for number in numbers:
            points.remove(number)
        self.debugger.events.refresh()
        return model.Done()

    def _list_points(self, _: model.ListPoints) -> model.DebugAnswer:
        return self._points(*self.debugger.points.infos())

    # -- looking

    def _list_threads(self, _: model.ListThreads) -> model.DebugAnswer:
        threads = [answers.thread(self.look, t) for t in self.debugger.threads()]
        return model.Threads(tuple(threads))

    def _stack(self, command: model.GetStack) -> model.DebugAnswer:
        return answers.stack(self.look, self._thread(command.tid), command.limit)

    def _locals(self, command: model.GetLocals) -> model.DebugAnswer:
        return answers.variables(self.look.locals(self._thread(command.tid), command.frame))

    def _expand(self, command: model.Expand) -> model.DebugAnswer:
        start, count = max(command.start, 0), min(max(command.count, 0), _MOST_PARTS)
        portion = range(start, start + count)
        thread = self._thread(command.tid)
        return answers.variables(self.look.parts(thread, command.frame, command.path, portion))

    def _explain_register(self, command: model.ExplainRegister) -> model.DebugAnswer:
        thread = self._thread(command.tid)
        return model.Lines(tuple(self.look.explain_register(thread, command.name, command.frame)))

    def _describe(self, command: model.Describe) -> model.DebugAnswer:
        thread = self._thread(command.tid)
        found = self.look.describe(thread, command.frame, command.expression, command.form)
        return model.Lines(tuple(found))

    def _registers(self, command: model.GetRegisters) -> model.DebugAnswer:
        found = self.look.registers(self._thread(command.tid), command.frame)
        return model.Registers(tuple(found))

    def _memory(self, command: model.GetMemory) -> model.DebugAnswer:
        size = min(command.size, 1 << 20)
        data = self.debugger.read_memory(self._process(command.pid), command.addr, size)
        return model.Memory(command.addr, data)

    def _set_memory(self, command: model.SetMemory) -> model.DebugAnswer:
        self._need_pause()
        process = self._process(command.pid)
        self.debugger.write_memory(process, command.addr, command.data)
        return model.Done()

    def _evaluate(self, command: model.Evaluate) -> model.DebugAnswer:
        thread = self._thread(command.tid)
        text = self.look.evaluate(thread, command.frame, command.expression, command.letter)
        return model.Text(text)

    def _examine(self, command: model.Examine) -> model.DebugAnswer:
        thread = self._thread(command.tid)
        address = self.look.address(thread, command.frame, command.expression)
        return model.Lines(tuple(self.look.examine(thread, command.form, address)), address)

    def _disassemble(self, command: model.Disassemble) -> model.DebugAnswer:
        thread = self._thread(command.tid)
        first, comma, last = command.expression.partition(",")
        if first:
            address = self.look.address(thread, command.frame, first)
        else:
            frames = self.look.stack(thread)
            if not 0 <= command.frame < len(frames) or not frames[command.frame].pc:
                raise ControlError(f"frame {command.frame} has no code")
            address = frames[command.frame].pc
        if comma:
            last = last.strip()
            end = self.look.address(thread, command.frame, last.removeprefix("+"))
            start, end = address, end + address if last.startswith("+") else end
            if not start < end <= start + _MOST_CODE:
                raise ControlError(f"no range of up to {_MOST_CODE} bytes: {command.expression}")
        else:
            start, end = self.look.function_around(thread, address)
        return answers.code(
            self.debugger.kernel.arch, self.look.disassemble(thread, start, end), address
        )

    def _source(self, command: model.GetSource) -> model.DebugAnswer:
        return self.sources.answer(self._thread(command.tid), command)

    def _handle(self, command: model.Handle) -> model.DebugAnswer:
        return answers.handle(self.debugger.handling, command)

    def _waits(self, _command: model.GetWaits) -> model.DebugAnswer:
        from ...debug.waits import look, report

        return model.Lines(tuple(report(look(self.debugger.kernel)).splitlines()))

    def _maps(self, command: model.GetMaps) -> model.DebugAnswer:
        return model.Lines(tuple(answers.maps(self._process(command.pid))))
