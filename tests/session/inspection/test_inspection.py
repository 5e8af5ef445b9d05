"""A close look at a kernel: process, memory, address, files; looking changes nothing."""

from __future__ import annotations

import msgspec
import pytest

from starrylab.abi.mman import MAP_ANONYMOUS, MAP_PRIVATE
from starrylab.kernel.mm.frames import MemoryKind
from starrylab.machine.api import READ, WRITE
from starrylab.session.inspection import model
from starrylab.session.inspection.answering import Answerer
from starrylab.session.inspection.memory import free_runs, physical_map
from tests.kernel.conftest import SCRATCH, ScriptedLab

SIGUSR1, SIGUSR2, SIGINT = 10, 12, 2


@pytest.fixture
def lab() -> ScriptedLab:
    return ScriptedLab()


def look(lab: ScriptedLab, question: model.Question, *before: tuple):
    """Let process 1 make the calls ``before`` and then wait; answer meanwhile."""
    found = []

    def program(m):
        at = SCRATCH + 0x8000
        for name, *args in before:
            placed = []
            for arg in args:
                if isinstance(arg, bytes):
                    m.store(at, arg)
                    placed.append(at)
                    at += len(arg) + 7 & ~7
                else:
                    placed.append(arg)
            yield m.call(name, *placed)
        found.append(Answerer(lab.kernel).answer(question))
        yield m.call("exit_group", 0)

    lab.run(program)
    encoded = msgspec.msgpack.encode(found[0])  # what crosses the wire comes back equal
    assert msgspec.msgpack.decode(encoded, type=model.Answer) == found[0]
    return found[0]


def test_nobody(lab) -> None:
    assert look(lab, model.AboutProcess(99)) == model.ProcessDetails(99)


def test_a_process(lab) -> None:
    details = look(
        lab,
        model.AboutProcess(1),
        ("memfd_create", b"note\0", 1),
        ("ftruncate", 0, 5000),
        ("eventfd2", 0, 0o4000),
        ("umask", 0o27),
        ("setrlimit", 7, (512).to_bytes(8, "little") * 2),
    )
    assert details.found
    assert details.cwd == details.root == "/"
    assert details.umask == 0o27
    assert details.credentials.uids == (0, 0, 0, 0)
    first, second = details.descriptors
    assert (first.fd, first.cloexec, first.mode) == (0, True, "rw")
    assert "note" in first.path
    assert (second.kind, second.mode) == ("eventfd", "rw nonblock")
    assert model.LimitView("nofile", 512, 512) in details.limits
    (thread,) = details.threads
    assert (thread.tid, thread.state) == (1, "R")


def test_areas_and_the_states_of_their_pages(lab) -> None:
    details = look(lab, model.AboutProcess(1), ("getrandom", SCRATCH, 4096 * 3, 0))
    area = next(area for area in details.areas if area.start <= SCRATCH < area.end)
    assert area.perms == "rw-p"
    assert area.copied >= 3
    assert area.lazy + area.zero + area.copied + area.shared + area.cached == (
        (area.end - area.start) >> 12
    )


def test_signals_that_are_not_at_their_default(lab) -> None:
    def action(handler: int) -> bytes:
        return handler.to_bytes(8, "little") + bytes(16)

    details = look(
        lab,
        model.AboutProcess(1),
        ("rt_sigaction", SIGUSR1, action(0x4000), 0, 8),
        ("rt_sigaction", SIGINT, action(1), 0, 8),
        ("rt_sigprocmask", 0, (1 << SIGUSR2 - 1).to_bytes(8, "little"), 0, 8),
        ("kill", 1, SIGUSR2),
    )
    signals = {signal.name: signal for signal in details.signals}
    assert set(signals) == {"SIGUSR1", "SIGINT", "SIGUSR2"}
    assert signals["SIGUSR1"].action == "0x4000"
    assert signals["SIGINT"].action == "ignored"
    assert signals["SIGUSR2"].blocked
    assert signals["SIGUSR2"].pending


def test_a_sleeper_and_a_zombie(lab) -> None:
    found = []

    def child(m):
        yield m.call("exit_group", 3)

    def sleeper(m):
        yield m.call("ppoll", 0, 0, 0, 0, 0)

    def program(m):
        zombie = yield m.fork(child)
        sleeping = yield m.fork(sleeper)
        for _ in range(4):
            yield m.call("sched_yield")
        found.extend(
            Answerer(lab.kernel).answer(model.AboutProcess(pid)) for pid in (zombie, sleeping)
        )
        yield m.call("exit_group", 0)

    lab.run(program)
    zombie, sleeping = found
    assert zombie.exit_status == 3 << 8
    assert not zombie.descriptors
    (thread,) = sleeping.threads
    assert (thread.state, thread.waiting) == ("S", "ppoll")
    assert thread.where.startswith(("poll.", "sched."))
    assert sleeping.children == ()


def test_the_physical_map_adds_up(lab) -> None:
    details = look(lab, model.AboutMemory(64), ("getrandom", SCRATCH, 40960, 0))
    assert len(details.cells) == len(details.used) == 64
    assert details.frames == 32 << 20 >> 12
    user = list(MemoryKind).index(MemoryKind.USER)
    assert user in details.cells
    assert details.kinds[user] == "user"
    assert 0 < details.largest_run <= details.free_frames < details.frames


@pytest.mark.parametrize("cells", [-1, 0, 1, 10**9])
def test_any_number_of_cells(lab, cells) -> None:
    details = look(lab, model.AboutMemory(cells))
    assert 1 <= len(details.cells) <= details.frames


def test_cells_and_runs() -> None:
    kinds = bytearray(b"\2\2\0\0" + b"\0\0\0\0" + b"\3\2\3\3" + b"\0\0\0\1")
    assert physical_map(kinds, 4) == (b"\2\0\3\1", bytes((127, 0, 255, 63)))
    assert free_runs(kinds) == ((0, 1, 1), 6)
    assert free_runs(bytearray(b"\1\1")) == ((), 0)


def test_cached_files_are_named(lab) -> None:
    details = look(
        lab,
        model.AboutMemory(16),
        ("openat", -100, b"/report\0", 0o102, 0o644),
        ("write", 0, b"x" * 9000, 9000),
    )
    (file,) = [file for file in details.files if file.path == "/report"]
    assert (file.pages, file.size, file.fs) == (3, 9000, "tmpfs")


def test_an_address_is_walked_without_a_fault(lab) -> None:
    question = model.AboutAddress(1, SCRATCH + 5)
    before = look(lab, question, ("getpid",))
    assert before.found
    assert before.area is not None

    other = ScriptedLab()
    written = look(other, question, ("getrandom", SCRATCH, 32, 0))
    vpn = SCRATCH >> 12
    assert written.indexes == (vpn >> 18, vpn >> 9 & 511, vpn & 511)
    assert written.page.perms == "rw-"
    assert (written.page.kind, written.page.references, written.page.private) == ("user", 1, True)
    assert len(written.data) == 16
    assert written.leaf_table > 0


def test_looking_makes_no_page_present(lab) -> None:
    counts = []

    def program(m):
        addr = yield m.call("mmap", 0, 1 << 20, READ | WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)
        space = lab.kernel.processes[1].threads[1].mm
        counts.append((len(space.table), space.minflt))
        for question in (
            model.AboutProcess(1), model.AboutMemory(64), model.AboutAddress(1, addr),
            model.AboutFiles(), model.AboutFolder(b"/"), model.AboutFolder(b"/no/such"),
        ):  # fmt: skip
            Answerer(lab.kernel).answer(question)
        counts.append((len(space.table), space.minflt))
        yield m.call("exit_group", 0)

    lab.run(program)
    assert counts[0] == counts[1]


def test_mounts_and_open_files(lab) -> None:
    details = look(
        lab, model.AboutFiles(), ("eventfd2", 0, 0), ("openat", -100, b"/proc\0", 0o200000, 0)
    )
    assert details.mounts[0].path == "/"
    assert "proc" in {mount.fstype for mount in details.mounts}
    assert details.files_total == len(details.files) >= 1
    assert details.files[0].descriptor.kind == "eventfd"


def test_a_folder_shows_what_is_cached_and_looks_nothing_up(lab) -> None:
    details = look(
        lab,
        model.AboutFolder(b"/a"),
        ("mkdirat", -100, b"/a\0", 0o755),
        ("mkdirat", -100, b"/a/b\0", 0o755),
        ("openat", -100, b"/a/none\0", 0, 0),
    )
    assert details.found
    kinds = {entry.name: entry.kind for entry in details.entries}
    assert kinds == {"b": "directory", "none": "absent"}


def test_faults_are_counted_while_somebody_asks(lab) -> None:
    answerer = Answerer(lab.kernel)
    seen = []

    def program(m):
        seen.append(answerer.answer(model.AboutMemory(8)).faults)
        m.store(SCRATCH, b"x")
        seen.append(answerer.answer(model.AboutMemory(8)).faults)
        for _ in range(20):
            answerer.snapshot_taken()
        seen.append(lab.kernel.events.page_fault)
        yield m.call("exit_group", 0)

    lab.run(program)
    assert seen == [(), (("first touch", 1),), None]


def test_every_call_has_a_state_and_full_ones_a_source(lab) -> None:
    answerer = Answerer(lab.kernel)
    calls = {call.name: call for call in answerer.answer(model.AboutCalls()).calls}
    assert calls["openat"].state == "full"
    assert calls["mount_setattr"].missing
    source = answerer.answer(model.AboutCall("openat"))
    assert source.where == calls["openat"].where
    assert "def openat(" in source.text
    assert f":{source.first}" in source.where
    assert answerer.answer(model.AboutCall("no_such_call")).text == ""
