"""Tools that show processes, memory and files, most of them from /proc."""

from __future__ import annotations

import re

from tests.debian.labs import Batch
from tests.host_pty import HostTerminal


def rows(text: str) -> list[list[str]]:
    """Split a table into fields."""
    return [line.split() for line in text.splitlines()]


def test_ps_and_its_kin_find_a_process(batch: Batch) -> None:
    shown = batch.prints("""
    sleep 1000 & p=$!
    ps -o pid=,ppid=,stat=,ni=,comm=,args= -p $p; echo $p $$
    renice -n 5 -p $p >/dev/null; ps -o ni= -p $p; pgrep -x sleep; pidof sleep; pwdx $p
    pstree -p $$ | grep -o 'sleep([0-9]*)'; ps -ef | grep -c '[s]leep 1000'
    kill $p; wait $p; echo $?
    """)
    first, numbers, *rest = rows(shown)
    pid, script = numbers
    assert first == [pid, script, "S", "0", "sleep", "sleep", "1000"]
    assert rest == [["5"], [pid], [pid], [f"{pid}:", "/tmp"], [f"sleep({pid})"], ["1"], ["143"]]


def test_top_shows_who_computes(batch: Batch) -> None:
    shown = batch.prints("""
    (while :; do :; done) & p=$!
    top -b -n2 -d1 -o %CPU | grep -A9 '^top -' | tail -10; echo $p; kill $p
    """)
    head, *_, pid = shown.splitlines()
    assert re.match(r"top - \d\d:\d\d:\d\d up .*,  0 users?,  load average: \d", head)
    assert re.search(r"^Tasks: +\d+ total, +[12] running", shown, re.MULTILINE)
    assert re.search(r"^MiB Mem : +1024.0 total", shown, re.MULTILINE)
    busiest = next(r for r in rows(shown) if r[:1] == [pid] and len(r) > 1)
    assert busiest[7] == "R"
    assert float(busiest[8]) > 30


def test_memory_adds_up(batch: Batch) -> None:
    shown = rows(batch.prints("free -b; free -b -w --si; vmstat 1 2; vmstat -s; vmstat -d"))
    memory = [int(n) for n in shown[1][1:]]
    assert memory[0] == 1 << 30
    assert memory[1] + memory[2] + memory[4] == memory[0]
    assert all(len(row) == 18 for row in shown[7:10] if row[0].isdigit())
    with_memory = batch.prints("""
    perl -e '$s = "x" x (50 << 20); print `free -b`' | awk '/^Mem/ {print $3}'
    """)
    assert int(with_memory) > 50 << 20


def test_pmap_and_smaps_agree(batch: Batch) -> None:
    shown = batch.prints("""
    sleep 1000 & p=$!; until grep -q sleep /proc/$p/comm; do :; done
    pmap $p | tail -1; pmap -x $p | tail -1; pmap -XX $p | wc -l
    cd /proc/$p; awk '/^Rss/ {n += $2} END {print n}' smaps; awk '/^Rss/ {print $2}' smaps_rollup
    awk '/^VmRSS|^VmSize/ {print $2}' status; kill $p
    """)
    total, extended, _, rss, rollup, size, status = shown.splitlines()
    assert total.split() == ["total", f"{size}K"]
    assert extended.split()[:4] == ["total", "kB", size, rss]
    assert rss == rollup == status


def test_lsof_names_every_file(batch: Batch) -> None:
    shown = batch.prints("""
    exec 5>opened 6< <(sleep 1000) 7<>/dev/null
    lsof -w -p $$; lsof -t opened | head -1; echo $$; fuser opened 2>/dev/null; kill $!
    """)
    assert "stat:" not in shown
    table = {row[3]: row for row in rows(shown) if len(row) > 8}
    assert table["cwd"][4::4] == ["DIR", "/tmp"]
    assert table["txt"][8] == "/usr/bin/bash"
    assert table["5w"][4::4] == ["REG", "/tmp/opened"]
    assert table["6r"][4] == "FIFO"
    assert table["7u"][4::4] == ["CHR", "/dev/null"]
    *_, terse, own, fuser = shown.splitlines()
    assert terse == own == fuser.split()[0]


def test_mounts_and_space(batch: Batch) -> None:
    shown = batch.prints("""
    mkdir m; mount -t tmpfs -o size=1M,mode=700 none m; df --output=size,used,target m | tail -1
    head -c 300K /dev/zero >m/f; df -k --output=used m | tail -1; df --output=iused m | tail -1
    findmnt -n -o FSTYPE,OPTIONS m; mountpoint m; grep ' /tmp/m ' /proc/self/mountinfo | wc -w
    head -c 2M /dev/zero >m/g; echo $?; umount m; mountpoint -q m || echo gone; stat -f -c %T /proc
    """)
    lines = shown.splitlines()
    assert lines[0].split() == ["1024", "0", "/tmp/m"]
    assert lines[1].strip() == "300"
    assert int(lines[2]) == 2
    assert lines[3] == "tmpfs rw,relatime,size=1024k,mode=700"
    assert lines[4] == "m is a mountpoint"
    assert int(lines[5]) >= 10
    assert lines[6:] == ["1", "gone", "proc"]


def test_the_start_is_the_same_for_all_who_tell_it(batch: Batch) -> None:
    shown = batch.prints("""
    date -d "$(uptime -s)" +%s; date -d "$(who -b | cut -c22-)" +%s
    awk '/^btime/ {print $2}' /proc/stat
    echo $(($(date +%s) - $(cut -d. -f1 /proc/uptime)))
    ps -o lstart= -p 1 | date -f - +%s; uptime -p; w -h | wc -l
    """)
    uptime, who, btime, difference, first = map(int, shown.splitlines()[:5])
    assert max(uptime, btime, difference, first) - min(uptime, btime, difference, first) <= 2
    assert 0 <= uptime - who < 62  # who shows no seconds
    assert shown.splitlines()[5].startswith("up ")


def test_namespaces_locks_and_limits(batch: Batch) -> None:
    shown = batch.prints("""
    lsns -n -o TYPE | sort | tr '\\n' ' '; echo
    (flock -s 9; lslocks -n -o COMMAND,TYPE,MODE,PATH) 9>locked
    prlimit --nofile=100:200 sh -c '
        prlimit -n -o SOFT,HARD --noheadings; grep "open f" /proc/$$/limits'
    """)
    kinds, lock, limit, text = shown.splitlines()
    assert kinds.split() == ["ipc", "mnt", "net", "pid", "time", "user", "uts"]
    assert lock.split()[1:] == ["FLOCK", "READ", "/tmp/locked"]
    assert limit.split() == ["100", "200"]
    assert text.split() == ["Max", "open", "files", "100", "200", "files"]


def test_htop_draws_a_tree_and_kills(bash: HostTerminal) -> None:
    bash.run("sleep 12345 & disown")
    bash.start("htop")
    bash.see("F10Quit")
    bash.see("sleep 12345")
    bash.see("Tasks: ")
    bash.type("t")  # a tree
    bash.see("─ sleep 12345")
    bash.type("/12345")
    bash.see("Search: 12345")
    bash.type("\r")
    bash.type("k")
    bash.see("Send signal:")
    bash.type("9\r")
    bash.wait_until(lambda: "sleep 12345" not in bash.text, "the end of sleep")
    bash.type("q")
    bash.see_line("$")
    assert bash.run("pgrep -c sleep") == "0\n"


def test_top_at_a_terminal(bash: HostTerminal) -> None:
    bash.start("top -d 0.5")
    bash.see("load average:")
    bash.see("PID USER")
    bash.type("1")
    bash.see("%Cpu0")
    bash.type("q")
    bash.see_line("$")
