"""The leak tracker on screen."""

from __future__ import annotations

from starrylab.session import leaks
from starrylab.session.snapshot import Snapshot
from tests.screens.fake_client import BUSY
from tests.screens.test_console_app import console, until
from tests.screens.test_views import pane_text

LEAK = leaks.LeakView(
    kind="file", category="process data", count=3, bytes=768, retained=9, retained_bytes=4096,
    first_size=256, pids=(7,), owner=7, how="reachable", name="/tmp/x",
    holder=("process 7", "descriptors", "descriptor 3", "file /tmp/x"), syscall="openat",
    pc=0x10438, member=False,
    stack=(leaks.CallView("openat", "starrylab/kernel/syscalls/open.py", 70, 0),),
    program=(leaks.CallView("main", "/src/a.c", 3, 0x10438),),
)  # fmt: skip
LOST = leaks.FramesView("user", 2, 0, (), 0x5000, (), "held by nobody, the first at 0x5000")
FOUND = leaks.LeaksFound(
    10, 99, (LEAK,), (LOST,), 0, (leaks.CycleView((("socket", 2),), ("peer", "peer")),),
    (("dentry", 12),), ("init",),
)  # fmt: skip
NOTHING = leaks.LeaksFound(10, 99, (), (), 0, (), (), ())
LEAKS = {
    leaks.StartTracking: leaks.Tracking(10),
    leaks.ReportLeaks: FOUND,
    leaks.EndTracking: NOTHING,
    leaks.TakeStamp: leaks.StampTaken(1, "", 50, 5 * 10**9, {"file": (3, 768)}),
    leaks.CompareStamps: leaks.StampsCompared((leaks.ChangeView("file", 3, 5, 512),)),
}


async def test_a_measurement_from_start_to_end() -> None:
    async with console() as (app, client, pilot):
        await pilot.press("alt+5")
        pane = app.console_screen.view.leaks
        await pilot.press("r")
        await until(pilot, lambda: any("not recorded" in n.message for n in app._notifications))
        client.leak_answers.update(LEAKS)
        await pilot.press("s")
        await until(pilot, lambda: pane.recording)
        assert "recording;" in pane_text(pane)
        await pilot.press("r")
        await until(pilot, lambda: pane.found is not None)
        text = pane_text(pane)
        for words in ("768B     3  file", "file /tmp/x", "held by nobody",
                      "2 socket", "12 dentry"):  # fmt: skip
            assert words in text
        await pilot.press("enter")
        await until(pilot, lambda: pane.section == "detail")
        detail = pane_text(pane)
        assert "      └ file /tmp/x" in detail
        assert "» openat" in detail
        assert "open.py:70" in detail
        assert "main  a.c:3" in detail
        await pilot.press("e")
        await until(pilot, lambda: not pane.recording)
        assert "nothing stays" in pane_text(pane)


async def test_stamps_are_compared() -> None:
    async with console() as (app, client, pilot):
        client.leak_answers.update(LEAKS)
        await pilot.press("alt+5", "t", "t")
        pane = app.console_screen.view.leaks
        await until(pilot, lambda: len(pane.stamps) == 2)
        await pilot.press("home", "enter")
        await until(pilot, lambda: pane.compared is not None)
        assert leaks.CompareStamps(1, 1) in client.requests
        assert "+512" in pane_text(pane)


async def test_growth_from_stamp_to_stamp() -> None:
    async with console() as (app, client, pilot):
        row = leaks.GrowthView("dentry", 1.0, 197.4, 40, 47, exact=True)
        await pilot.press("alt+5", "g")
        pane = app.console_screen.view.leaks
        await until(pilot, lambda: leaks.FindGrowth() in client.requests)
        assert pane.section == "leaks"  # there was no answer
        for rows, words in (((row,), "  +1.00   +197     40    47  dentry"), ((), "nothing grows")):
            client.leak_answers[leaks.FindGrowth] = leaks.GrowthFound(rows)
            await pilot.press("g")
            await until(pilot, lambda words=words: words in pane_text(pane))
        pane.forget()
        assert "then g" in pane_text(pane)


async def test_another_machine_begins_anew() -> None:
    async with console() as (app, client, pilot):
        client.leak_answers.update(LEAKS)
        await pilot.press("alt+5", "s")
        client.happen(BUSY)
        pane = app.console_screen.view.leaks
        await until(pilot, lambda: pane.recording and app.console_screen.view.snapshot is BUSY)
        client.happen(Snapshot(sequence=1))
        await until(pilot, lambda: not pane.recording)
