"""The views beside the console: what they ask for, and what they make of the answers."""

from __future__ import annotations

import msgspec
import pytest

from starrylab.screens.console import VIEWS
from starrylab.screens.settings import Settings, SettingsStore
from starrylab.screens.views.memory import parse_address
from starrylab.screens.widgets.call_trace import TraceLog, latency_lines
from starrylab.screens.widgets.history import LENGTH, FaultRates, History, plot, resampled
from starrylab.screens.widgets.hit_rates import HitRates
from starrylab.screens.widgets.process_details import ProcessDetailsPane, page_bar, parse_limit
from starrylab.screens.widgets.tabs import ViewTabs
from starrylab.session.inspection import model
from starrylab.session.protocol import Booted, Exited
from starrylab.session.snapshot import MemoryKind, Snapshot
from starrylab.session.tracing import (
    AskWaits,
    DeadlockView,
    NeedView,
    Trace,
    Traced,
    TraceLine,
    TraceRefused,
    WaitsFound,
    WaitView,
)
from tests.screens.fake_client import BUSY
from tests.screens.fixed_answers import ADDRESS, CALLS, FILES, FOLDER, MEMORY, PROCESS, SOURCE
from tests.screens.test_console_app import console, until


def pane_text(pane) -> str:
    width = pane.content_size.width
    return "\n".join(pane.line(index, width).plain for index in range(pane.line_count()))


async def test_alt_and_a_number_shows_a_view_and_moves_the_focus_into_it() -> None:
    async with console() as (app, _, pilot):
        screen = app.console_screen
        for number, view in enumerate(VIEWS, 1):
            await pilot.press(f"alt+{number}")
            await until(pilot, lambda view=view: type(screen.view) is view)
            assert app.focused in screen.view.panes
            assert [v for v in screen.views if v.is_mounted and v.display] == [screen.view]
        await pilot.press(*["f6"] * len(screen.view.panes))
        assert app.focused is screen.terminal


async def test_a_view_is_chosen_with_the_mouse() -> None:
    async with console() as (app, _, pilot):
        offset = len(app.console_screen.tabs._labels()[0]) + 1
        await pilot.click(ViewTabs, offset=(offset, 0))
        await until(pilot, lambda: app.console_screen.view.NAME == "Processes")


@pytest.mark.parametrize("width", [300, 80, 60, 40, 24])
async def test_tabs_fit_the_width(width) -> None:
    async with console(size=(width, 24)) as (app, _, pilot):
        await pilot.pause()
        tabs = app.console_screen.tabs
        labels = tabs._labels()
        assert sum(map(len, labels)) <= max(tabs.size.width, 11 + 3 * len(labels))
        assert labels[0] == " 1 Overview "  # the one in sight is never cut
        assert all(label.startswith(f" {n}") for n, label in enumerate(labels, 1))
        if width == 300:
            assert [label.strip(" 123456789") for label in labels] == [v.NAME for v in VIEWS]


async def test_the_marked_process_is_looked_at_closely() -> None:
    async with console() as (app, client, pilot):
        client.answers[model.AboutProcess(2)] = PROCESS
        await pilot.press("alt+2")
        client.happen(BUSY)
        await until(pilot, lambda: model.AboutProcess(1) in client.asked)
        await pilot.press("down")
        details = app.console_screen.view.details
        await until(pilot, lambda: details.details == PROCESS)
        assert "/usr/bin/sh" in pane_text(details)
        await pilot.press("f6")
        for section, words in {
            "threads": "poll.poll_io:111",
            "descriptors": "/etc/文件",
            "areas": "[stack]",
            "signals": "SIGUSR1",
            "limits": "unlimited",
        }.items():
            await pilot.press("right")
            await until(pilot, lambda section=section: details.section == section)
            assert words in pane_text(details)


@pytest.mark.parametrize("width", [130, 92, 70, 56, 44])
def test_the_end_of_an_area_s_name_is_in_sight(width) -> None:
    pane = ProcessDetailsPane()
    pane.details = PROCESS
    lines = [line.plain for line in pane.section_lines("areas", width)]
    assert all(len(line) <= width for line in lines[1:])
    name = PROCESS.areas[0].name
    assert lines[1].index("BACKEND") == lines[2].index(PROCESS.areas[0].backend)
    assert any(line.endswith(name[-4:]) for line in lines)


async def test_what_is_cut_off_at_the_right_can_be_seen() -> None:
    async with console((100, 30)) as (app, client, pilot):
        await pilot.press("alt+3", *["right"] * 2)
        pane = app.console_screen.view.details
        app.console_screen.view.answered(MEMORY)
        client.happen(BUSY)

        def shown() -> str:
            return "\n".join(pane.render_line(y).text for y in range(pane.size.height))

        await until(pilot, lambda: "CACHED" in shown())
        assert "FILE" not in shown()
        await pilot.press(*["shift+right"] * 9)
        await until(pilot, lambda: "FILE" in shown())
        assert " map  over time" in shown()
        before = shown()
        await pilot.press("shift+right")
        assert shown() == before
        await pilot.press(*["shift+left"] * 9)
        await until(pilot, lambda: "CACHED" in shown())


async def test_an_answer_about_another_process_is_passed_over() -> None:
    async with console() as (app, client, pilot):
        await pilot.press("alt+2")
        client.happen(BUSY)
        await until(pilot, lambda: client.asked)
        app.console_screen.answered(PROCESS)
        assert app.console_screen.view.details.details is None


async def test_a_question_is_not_asked_again_before_its_answer() -> None:
    async with console() as (app, client, pilot):
        await pilot.press("alt+7")
        await until(pilot, lambda: model.AboutFiles() in client.asked)
        for sequence in range(3, 6):
            client.happen(Snapshot(sequence=sequence))
        await until(pilot, lambda: app.console_screen.view.snapshot.sequence == 5)
        assert client.asked.count(model.AboutFiles()) == 1
        app.console_screen.answered(FILES)
        client.happen(Snapshot(sequence=6))
        await until(pilot, lambda: client.asked.count(model.AboutFiles()) == 2)


async def test_questions_to_a_machine_that_is_gone_are_forgotten() -> None:
    async with console() as (app, client, pilot):
        await pilot.press("alt+7")
        client.happen(BUSY)
        await until(pilot, lambda: app.console_screen.view.snapshot is BUSY)
        assert client.asked.count(model.AboutFiles()) == 1
        client.snapshot = Snapshot()
        client.happen(Booted())
        await until(pilot, lambda: client.asked.count(model.AboutFiles()) >= 2)


async def test_nothing_is_asked_of_a_lab_that_ended() -> None:
    async with console() as (_, client, pilot):
        client.happen(Exited(0))
        await pilot.press("alt+7")
        await pilot.pause(0.1)
        assert client.asked == []


async def test_memory_in_sections() -> None:
    async with console() as (app, client, pilot):
        await pilot.press("alt+3")
        view = app.console_screen.view
        await until(pilot, lambda: client.asked)
        client.happen(BUSY)
        view.answered(MEMORY)
        for section, words in {
            "map": "KUC·",
            "over time": "page cache",
            "page cache": "/bin/busybox",
            "allocator": "longest free run",
            "faults": "copy on write",
        }.items():
            view.details.choose(section)
            assert words in pane_text(view.details), section
        cells = view.details.cells
        assert model.AboutMemory(cells) in client.asked


async def test_an_address_is_asked_for_and_walked() -> None:
    async with console() as (app, client, pilot):
        question = model.AboutAddress(2, 0x10123)
        client.answers[question] = ADDRESS
        await pilot.press("alt+3", "a", *"2 0x10123")
        await pilot.press("enter")
        view = app.console_screen.view
        await until(pilot, lambda: view.details.address == ADDRESS)
        text = pane_text(view.details)
        assert "[0], [0], [16]" in text
        assert "7f 45 4c 46" in text
        await pilot.press("a", "escape")
        assert app.focused is view.details


@pytest.mark.parametrize("text", ["", "1", "x y", "1 -5", "0 5", "1 2 3", "1 0x10000000000000000"])
def test_what_is_no_address(text) -> None:
    assert parse_address(text) is None


async def test_the_tree_opens_and_closes() -> None:
    async with console() as (app, client, pilot):
        client.answers[model.AboutFolder(b"/")] = FOLDER
        client.answers[model.AboutFolder(b"/etc")] = model.FolderDetails(
            b"/etc", True, (model.EntryView("passwd", "file", 9, 120, 0, 1, False),), 1
        )
        client.answers[model.AboutFiles()] = FILES
        await pilot.press("alt+7")
        files = app.console_screen.view.files
        await until(pilot, lambda: "etc" in pane_text(files))
        assert "known to be absent" in pane_text(files)
        await pilot.press("down", "enter")
        await until(pilot, lambda: "passwd" in pane_text(files))
        await pilot.press("enter")
        await until(pilot, lambda: "passwd" not in pane_text(files))
        await pilot.press("right")
        assert "devtmpfs" in pane_text(files)
        await pilot.press("right")
        assert "eventfd" in pane_text(files)


async def test_calls_are_counted_listed_and_lead_to_their_source() -> None:
    async with console() as (app, client, pilot):
        client.answers[model.AboutCalls()] = CALLS
        client.answers[model.AboutCall("openat")] = SOURCE
        client.happen(BUSY)
        await pilot.press("alt+6")
        calls = app.console_screen.view.calls
        await until(pilot, lambda: calls.calls)
        calls.choose("counts")
        assert "read" in pane_text(calls)
        await pilot.press("c")
        await until(pilot, lambda: client.counting)
        await pilot.press("right", "down", "enter")
        await until(pilot, lambda: calls.source == SOURCE)
        assert "def openat(t: Thread" in pane_text(calls)
        assert "no leases" in pane_text_of(calls, "support")
        calls.show_source(model.CallSource("io_uring_setup"))
        assert "ENOSYS" in pane_text(calls)


async def test_a_trace_is_switched_filtered_and_followed() -> None:
    async with console() as (app, client, pilot):
        client.happen(BUSY)
        await pilot.press("alt+6", "t")
        await until(pilot, lambda: Trace(True, 0, "all", strings=40) in client.sent)
        calls = app.console_screen.view.calls
        call = TraceLine(
            "call", 7, 7, 0, "openat", (("path", '"/x"'),), "-1 ENOENT", "ENOENT", 2000
        )
        client.happen(Traced((call, TraceLine("signal", 7, 7, 0, "--- SIGINT ---")), 5))
        await until(pilot, lambda: "SIGINT" in pane_text(calls))
        assert '7  0.000002 openat("/x") = -1 ENOENT' in pane_text(calls)
        assert "5 calls were not shown" in pane_text(calls)
        assert "of all" in str(calls.border_title)
        await pilot.press("slash", *"file,!read", "enter")
        await until(pilot, lambda: Trace(True, 0, "file,!read", strings=40) in client.sent)
        client.happen(TraceRefused("no such call"))
        await until(pilot, lambda: any("no such call" in n.message for n in app._notifications))
        await pilot.press("alt+2", "y")
        await until(pilot, lambda: Trace(True, 1, "file,!read", strings=40) in client.sent)
        await pilot.press("t")
        await until(pilot, lambda: Trace(on=False) in client.sent)


async def test_who_waits_is_asked_in_a_lab_at_rest_too() -> None:
    async with console() as (_, client, pilot):
        client.happen(BUSY)
        await pilot.press("alt+6")
        await pilot.pause()
        assert AskWaits() not in client.sent
        await pilot.press("right")
        await until(pilot, lambda: client.sent.count(AskWaits()) == 1)


async def test_who_waits_for_whom() -> None:
    async with console() as (app, client, pilot):
        await pilot.press("alt+6", "right")
        client.happen(BUSY)
        await until(pilot, lambda: AskWaits() in client.sent)
        need = NeedView("pipe:[12] to be written", (8,), "holds the only write end", "", "")
        threads = (WaitView(7, 7, "cat", "S", "read", (need,), None, ""),)
        client.happen(WaitsFound(threads, (DeadlockView((7, 8), (9,)),), "text"))
        calls = app.console_screen.view.calls
        await until(pilot, lambda: "deadlock: threads 7, 8" in pane_text(calls))
        assert "pipe:[12] to be written  ← 8  holds the only write end" in pane_text(calls)


def pane_text_of(pane, section) -> str:
    pane.choose(section)
    return pane_text(pane)


def test_how_long_traced_calls_took() -> None:
    log = TraceLog()
    for name, taken, errno in (("read", 900, ""), ("read", 2_500_000, "EINTR"), ("close", 5, "")):
        log.add(Traced((TraceLine("call", 7, 7, 0, name, errno=errno, duration_ns=taken),)))
    log.add(Traced((TraceLine("signal", 7, 7, 0, "--- SIGINT ---"),), 3))
    names, lines = latency_lines(log)
    assert names == ["", "read", "close"]
    assert [line.plain.split() for line in lines[1:3]] == [
        ["2", "1", "2.5", "ms", "1.25", "ms", "900", "ns", "2.5", "ms", "read"],
        ["1", "5", "ns", "5", "ns", "5", "ns", "5", "ns", "close"],
    ]
    assert "3 calls are not in here" in lines[3].plain
    log.clear()
    assert not log.latencies


def test_faults_a_second() -> None:
    rates = FaultRates()
    assert rates.latest("first touch") == 0
    for tenth in range(21):
        rates.add(tenth * 10**8, [("first touch", tenth * 5)])
    assert rates.latest("first touch") == 50
    assert rates.latest("copy on write") == 0
    rates.add(22 * 10**8, [])  # counted from nothing again
    assert rates.latest("first touch") == 0
    rates.add(24 * 10**8, [("copy on write", 4)])
    assert rates.latest("copy on write") == 20


# -- limits ----------------------------------------------------------------------------------


async def test_a_limit_is_changed() -> None:
    async with console() as (app, client, pilot):
        client.answers[model.AboutProcess(1)] = msgspec.structs.replace(PROCESS, pid=1)
        client.happen(BUSY)
        await pilot.press("alt+2")
        view = app.console_screen.view
        await until(pilot, lambda: view.details.details is not None)
        await pilot.press("f6", "enter", "left", "down", "down", "enter")
        assert app.focused is view.entry
        assert view.entry.value == "8388608 unlimited"
        assert "stack of process 1" in view.entry.border_title
        view.entry.value = "64k 1x"
        await pilot.press("end", "enter")
        assert app.focused is view.entry
        await pilot.press("backspace", "backspace", *"2M", "enter")
        await until(pilot, lambda: client.limits == [(1, "stack", 65536, 2 << 20)])
        assert app.focused is view.details


@pytest.mark.parametrize(
    ("text", "value"),
    [("unlimited", -1), ("0", 0), ("7", 7), ("2g", 2 << 30), ("-1", None), ("", None),
     ("k", None), ("١", None), (str(1 << 64), None), (str((1 << 64) - 1), (1 << 64) - 1)],
)  # fmt: skip
def test_limits_as_text(text, value) -> None:
    assert parse_limit(text) == value


async def test_the_name_of_the_chosen_section_is_always_in_sight() -> None:
    async with console(size=(80, 24)) as (app, _, pilot):
        await pilot.press("alt+2")
        details = app.console_screen.view.details
        await until(pilot, lambda: details.content_size.width > 0)
        width = details.content_size.width
        for section in details.SECTIONS:
            details.choose(section)
            names = details.line(0, width).plain
            assert f"{section} " in names
            assert len(names) <= width
        assert names.startswith("‹")
        assert not names.endswith("›")
        first = details._in_sight(width)[0]
        assert first not in ("general", "limits")
        await pilot.click(details, offset=(3, 1))
        await until(pilot, lambda: details.section == first)


# -- what is remembered ---------------------------------------------------------------------


async def test_layout_view_and_keys_are_remembered(tmp_path) -> None:
    path = tmp_path / "folder" / "console.json"
    async with console(store=SettingsStore(path)) as (app, _, pilot):
        await pilot.press("alt+2", "f8", "f6", "f7")
        await pilot.pause()
        screen = app.console_screen
        before = (screen.split.percent, screen.view.root.percent)
        app.store.settings.keys["app.zoom"] = "f12"
    saved = SettingsStore(path)
    assert saved.settings.view == "Processes"
    async with console(store=saved) as (app, _, pilot):
        screen = app.console_screen
        assert screen.view.NAME == "Processes"
        await until(pilot, lambda: (screen.split.percent, screen.view.root.percent) == before)
        await pilot.press("f12")
        assert screen.zoomed is not None


@pytest.mark.parametrize("text", [b"{", b"[]", b'{"splits": {"x": "y"}}', b"\xff"])
async def test_a_broken_file_is_named_and_kept(tmp_path, text) -> None:
    path = tmp_path / "console.json"
    path.write_bytes(text)
    async with console(store=SettingsStore(path)) as (app, _, pilot):
        assert str(path) in app.store.problem
        await pilot.press("alt+2")
    assert path.read_bytes() == text


async def test_a_layout_that_cannot_be_kept_is_said_once(tmp_path) -> None:
    store = SettingsStore(tmp_path / "file" / "console.json")
    (tmp_path / "file").write_text("not a folder")
    async with console(store=store) as (app, _, pilot):
        await pilot.press("alt+2")
        await until(pilot, lambda: len(app._notifications) == 1)
        (note,) = app._notifications
        assert note.message.startswith(f"the layout is not remembered: {store.path}: ")
        tried = []
        save, store.save = store.save, lambda: tried.append(save()) or tried[-1]
        await pilot.press("alt+3")
        await until(pilot, lambda: tried == [""])
        assert len(app._notifications) == 1


async def test_a_layout_is_kept_as_it_changes_and_leaves_nothing_else(tmp_path) -> None:
    path = tmp_path / "console.json"
    async with console(store=SettingsStore(path)) as (_, _, pilot):
        await pilot.press("alt+2")
        await until(pilot, path.exists)
        assert SettingsStore(path).settings.view == "Processes"
    assert list(tmp_path.iterdir()) == [path]


def test_odd_sizes_in_the_file_are_bounded(tmp_path) -> None:
    path = tmp_path / "console.json"
    path.write_text('{"splits": {"a": [-5, 500]}, "unknown": 1}')
    assert SettingsStore(path).settings == Settings(splits={"a": (20, 80)})


# -- hit rates -------------------------------------------------------------------------------


def cached(hits: int, misses: int, path: str = "/f") -> model.CachedFile:
    return model.CachedFile(path, "tmpfs", 1, 1, 0, 0, hits, misses)


def test_hit_rates_over_time() -> None:
    rates = HitRates()
    for hits, misses in ((5, 5), (15, 5), (15, 5), (20, 10), (20, 20)):
        rates.add([cached(hits, misses), cached(0, 0, "/g")])
    assert rates.rates("/f") == [100, None, 50, 0]
    assert rates.drawn("/f", 6) == "  █·▅▁"
    assert rates.drawn("/f", 2) == "▅▁"
    assert rates.drawn("/g", 3) == "···"
    rates.add([cached(1, 0)])  # another machine, or another file of this name
    assert rates.rates("/f") == []
    assert rates.drawn("/g", 3) == "   "


async def test_the_page_cache_shows_what_was_read_lately() -> None:
    async with console() as (app, _, pilot):
        await pilot.press("alt+3")
        details = app.console_screen.view.details
        (file, *_) = MEMORY.files
        for hits, misses in ((800, 200), (870, 230), (870, 230)):
            seen = msgspec.structs.replace(file, hits=hits, misses=misses)
            details.show_memory(msgspec.structs.replace(MEMORY, files=(seen,)))
        assert " 79%" in pane_text_of(details, "page cache")
        assert " ▆· " in pane_text(details)


# -- drawing ----------------------------------------------------------------------------------


def test_a_plot_is_as_high_as_its_greatest_value() -> None:
    assert plot([0, 1, 8, 16], 6, 2) == ["     █", "   ▁██"]
    assert plot([], 3, 1) == ["   "]
    assert plot([5, 5], 2, 1, top=10) == ["▄▄"]
    assert resampled(list(range(100)), 4) == [24, 49, 74, 99]


def test_history_begins_again_with_a_boot_and_is_bounded() -> None:
    history = History()
    for time in range(1, LENGTH + 50):
        history.add(Snapshot(sequence=time, uptime_ns=time, memory=(MemoryKind("user", time),)))
    assert len(history.times) == len(history.sizes["user"]) == LENGTH
    history.add(Snapshot(sequence=1, uptime_ns=1, memory=(MemoryKind("dma", 5),)))
    history.add(Snapshot(sequence=1, uptime_ns=1, memory=(MemoryKind("dma", 9),)))
    assert list(history.times) == [1]
    assert {name: list(sizes) for name, sizes in history.sizes.items()} == {"dma": [5]}


def test_every_state_of_pages_is_seen() -> None:
    area = model.AreaView(0, 1 << 20, "rw-p", 0, "", "cow", 250, 1, 2, 1, 2)
    text = page_bar(area, 10).plain
    assert set(text) == set("0PSC·")
    assert len(text) == 10
    empty = model.AreaView(0, 0, "rw-p", 0, "", "cow", 0, 0, 0, 0, 0)
    assert page_bar(empty, 4).plain == "····"
