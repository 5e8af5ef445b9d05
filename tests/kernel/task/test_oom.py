"""Who ends when memory does: the largest, or one of a crowd, and the kernel says so."""

from __future__ import annotations

from starrylab.abi.mman import MAP_ANONYMOUS, MAP_PRIVATE

SIZE = 64 << 20


def touch(m, start: int, pages: int) -> None:
    for page in range(pages):
        m.store(start + page * 4096, b"x")


def test_the_largest_process_is_killed_and_the_others_go_on(make_lab) -> None:
    lab = make_lab(16 << 20)

    def hog(m):
        start = yield m.call("mmap", 0, SIZE, 3, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)
        touch(m, start, SIZE >> 12)
        yield m.call("exit_group", 0)

    def program(m):
        pid = yield m.fork(hog)
        status = m.scratch
        got = yield m.call("wait4", pid, status, 0, 0)
        code = int.from_bytes(m.load(status, 4), "little")
        yield m.call("exit_group", 7 if (got, code) == (pid, 9) else 1)

    lab.run(program)
    assert lab.exit_status == 7 << 8


def test_a_call_of_another_process_does_not_fail_for_it(make_lab) -> None:
    """The hog sleeps; who needs a page meanwhile gets one of the hog's."""
    lab = make_lab(16 << 20)
    free: list[int] = []

    def hog(m):
        start = yield m.call("mmap", 0, SIZE, 3, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)
        touch(m, start, lab.kernel.frames.free_frames() - 12)
        free.append(lab.kernel.frames.free_frames())
        yield m.call("pause") if "pause" in lab.hart.numbers else m.call("ppoll", 0, 0, 0, 0, 8)

    def program(m):
        pid = yield m.fork(hog)
        m.store(m.scratch, b"\x01" + bytes(15))
        yield m.call("nanosleep", m.scratch, 0)
        start = yield m.call("mmap", 0, 1 << 20, 3, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)
        for page in range(200):
            random = yield m.call("getrandom", start + page * 4096, 8, 0)
            assert random == 8
        yield m.call("wait4", pid, m.scratch, 0, 0)
        yield m.call("exit_group", 7)

    results = lab.run(program)
    assert free
    assert free[0] < 16
    assert all(result >= 0 for result in results)
    assert lab.exit_status == 7 << 8


def test_of_a_crowd_the_one_that_asks_goes(make_lab) -> None:
    lab = make_lab(16 << 20)
    ended: list[int] = []

    def small(m):
        start = yield m.call("mmap", 0, 1 << 20, 3, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)
        touch(m, start, 20)
        yield m.call("ppoll", 0, 0, 0, 0, 8)

    def program(m):
        yield m.call("prctl", 15, m.string(m.scratch, b"parent"), 0, 0, 0)
        children = []
        for _ in range(400):
            pid = yield m.fork(small)
            if pid > 0:
                children.append(pid)
            yield m.call("sched_yield")
        while True:
            pid = yield m.call("wait4", -1, 0, 1, 0)
            if pid <= 0:
                break
            ended.append(pid)
        for pid in children:
            yield m.call("kill", pid, 9)
        yield m.call("exit_group", 7)

    lab.run(program)
    assert lab.exit_status == 7 << 8
    assert ended
    assert lab.kernel.panic_text is None
