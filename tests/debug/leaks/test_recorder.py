"""Recording: off it is not there at all, on it knows who allocated what, and where."""

from __future__ import annotations

import pytest

from starrylab.debug.leaks.recorder import AlreadyRecordingError, Recorder
from starrylab.debug.leaks.stacks import resolve, syscall_of
from starrylab.kernel.files.eventfd import EventFd
from starrylab.kernel.files.file import File
from starrylab.kernel.mm.space import AddressSpace
from starrylab.kernel.thread import Thread
from tests.kernel.conftest import ScriptedLab


def constructors() -> dict[str, object]:
    watched = (EventFd, File, AddressSpace, Thread)
    return {f"{c.__name__}.{n}": c.__dict__.get(n) for c in watched for n in ("__init__",
            "_sibling")}  # fmt: skip


def test_switching_off_leaves_no_trace() -> None:
    lab = ScriptedLab()
    before = constructors()
    recorder = Recorder(lab.kernel)
    recorder.start()
    assert constructors() != before
    recorder.start()  # is on already
    recorder.stop()
    assert constructors() == before
    assert lab.kernel.frames.on_alloc is lab.kernel.frames.on_free is None


def test_a_note_knows_process_call_and_stack() -> None:
    lab = ScriptedLab()
    recorder = Recorder(lab.kernel)
    notes = []

    def child(m):
        yield m.call("eventfd2", 0, 0)
        notes.extend(n for thing, n in recorder.objects() if isinstance(thing, EventFd))
        yield m.call("exit_group", 0)

    def program(m):
        recorder.start()
        pid = yield m.fork(child)
        yield m.call("wait4", pid, 0, 0, 0)
        recorder.stop()
        yield m.call("exit_group", 0)

    lab.run(program)
    (note,) = notes
    calls = resolve(note.stack)
    assert note.pid == 2
    assert note.pc
    assert syscall_of(calls) == "eventfd2"
    assert calls[0].file == "kernel/syscalls/event.py"
    assert calls[-1].function == "Traps._bind.syscall"
    assert "recorder" not in " ".join(call.file for call in calls)


def test_a_fork_s_address_space_is_noted_although_no_constructor_runs() -> None:
    lab = ScriptedLab()
    recorder = Recorder(lab.kernel)
    found = []

    def child(m):
        found.append(recorder.note_of(lab.kernel.threads[2].mm))
        yield m.call("exit_group", 0)

    def program(m):
        recorder.start()
        pid = yield m.fork(child)
        yield m.call("wait4", pid, 0, 0, 0)
        recorder.stop()
        yield m.call("exit_group", 0)

    lab.run(program)
    assert syscall_of(resolve(found[0].stack)) == "clone"


def test_a_new_object_at_an_old_address_has_its_own_note() -> None:
    lab = ScriptedLab()
    recorder = Recorder(lab.kernel)
    recorder.start()
    try:
        seen = set()
        for _ in range(50):
            file = EventFd(0, 0)
            note = recorder.note_of(file)
            assert note is not None
            seen.add(note.generation)
            del file
        assert len(seen) == 50
        assert not [t for t, _ in recorder.objects() if isinstance(t, EventFd)]
    finally:
        recorder.stop()


def test_frames_are_noted_while_they_are_in_use() -> None:
    lab = ScriptedLab()
    frames = lab.kernel.frames
    recorder = Recorder(lab.kernel)
    recorder.start()
    try:
        frame = frames.alloc()
        note = recorder.frame_note(frame)
        assert note is not None
        assert note.pid == 0
        frames.release(frame)
        assert recorder.frame_note(frame) is None
    finally:
        recorder.stop()


def test_one_kernel_of_a_process_at_a_time() -> None:
    first, second = Recorder(ScriptedLab().kernel), Recorder(ScriptedLab().kernel)
    first.start()
    try:
        with pytest.raises(AlreadyRecordingError):
            second.start()
    finally:
        first.stop()
    second.start()
    second.stop()
