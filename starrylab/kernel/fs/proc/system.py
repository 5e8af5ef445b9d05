"""Figures of the whole system: meminfo, stat, uptime, loadavg, cpuinfo and their kin (proc(5))."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from ...core.sched import State
from ...load import USER_HZ, cpu_times, load_average, processes_in_state
from ...mm.frames import MemoryKind
from ._declare import proc, seen_from

if TYPE_CHECKING:
    from ...kernel import Kernel

_TICK_NS = 1_000_000_000 // USER_HZ


@proc("meminfo")
def meminfo(kernel: Kernel) -> str:
    """proc_meminfo(5), from the frame allocator's counters."""
    usage = kernel.frames.usage()
    shmem = (
        sum(len(segment.pages) for space in kernel.ipc_namespaces() for segment in space.shm) << 12
    )
    total = kernel.ram.size
    free = usage[MemoryKind.FREE]
    cache = usage[MemoryKind.PAGE_CACHE]
    committed = sum(
        process.leader.mm.total_vm
        for process in kernel.processes.values()
        if not process.zombie and not process.leader.exited
    )
    rows = {
        "MemTotal": total,
        "MemFree": free,
        "MemAvailable": free + max(0, cache - shmem),
        "Buffers": 0,
        "Cached": cache,
        "SwapCached": 0,
        "Active": cache,
        "Inactive": 0,
        "SwapTotal": 0,
        "SwapFree": 0,
        "Dirty": 0,
        "Writeback": 0,
        "AnonPages": usage[MemoryKind.USER],
        "Mapped": 0,
        "Shmem": shmem,
        "Slab": usage[MemoryKind.KERNEL_HEAP],
        "SReclaimable": 0,
        "SUnreclaim": usage[MemoryKind.KERNEL_HEAP],
        "PageTables": usage[MemoryKind.PAGE_TABLE],
        "CommitLimit": total // 2,
        "Committed_AS": committed,
    }
    del rows["Dirty"], rows["Writeback"], rows["Mapped"]  # not counted
    return "".join(f"{name + ':':<16}{size >> 10:8d} kB\n" for name, size in rows.items())


def _node_meminfo(kernel: Kernel) -> str:
    """Show the memory of the only node, which is all there is."""
    rows = (line.split() for line in meminfo(kernel).splitlines())
    rest = (row for row in rows if row[0] not in ("MemAvailable:", "Buffers:", "Cached:"))
    return "".join(
        f"Node 0 {name:<15} {value:>8}{' kB' if unit else ''}\n" for name, value, *unit in rest
    )


#: /sys/devices/system/node/node0
NODE_FILES: Final[Mapping[str, Callable[[Kernel], str]]] = MappingProxyType(
    {
        "cpulist": lambda _: "0\n",
        "cpumap": lambda _: "1\n",
        "distance": lambda _: "10\n",
        "meminfo": _node_meminfo,
    }
)


@proc("memory2")
@proc("meminfo2")
def memory2(kernel: Kernel) -> str:
    """Memory by kind, as Starry counts it; the rows add up to the total."""
    usage = kernel.frames.usage()
    rows = [f"{kind.name.lower():<16}{size:>14d}\n" for kind, size in usage.items()]
    return "".join(rows) + f"{'total':<16}{sum(usage.values()):>14d}\n"


@proc("stat")
def stat(kernel: Kernel) -> str:
    """proc_stat(5)."""
    user, nice, system, idle = (ns // _TICK_NS for ns in cpu_times(kernel))
    times = f"{user} {nice} {system} {idle} 0 0 0 0 0 0"
    interrupts = [line.count for _, line in sorted(kernel.interrupts.lines.items())]
    running = processes_in_state(kernel, State.RUNNABLE)
    blocked = processes_in_state(kernel, State.DISK)
    counts = "".join(f" {count}" for count in interrupts)
    booted = kernel.boot_time_ns - seen_from(kernel).time.boottime_ns
    return (
        f"cpu  {times}\ncpu0 {times}\nintr {sum(interrupts)}{counts}\n"
        f"ctxt {kernel.executor.switches}\nbtime {booted // 1_000_000_000}\n"
        f"processes {kernel.forks}\nprocs_running {max(1, running)}\nprocs_blocked {blocked}\n"
    )


@proc("uptime")
def uptime(kernel: Kernel) -> str:
    """proc_uptime(5)."""
    up = kernel.executor.now - kernel.boot_monotonic_ns + seen_from(kernel).time.boottime_ns
    return f"{up / 1e9:.2f} {kernel.executor.idle_ns / 1e9:.2f}\n"


@proc("loadavg")
def loadavg(kernel: Kernel) -> str:
    """proc_loadavg(5)."""
    one, five, fifteen = load_average(kernel)
    running = max(1, processes_in_state(kernel, State.RUNNABLE))
    counts = f"{running}/{len(kernel.threads)} {kernel.pids.last}"
    return f"{one:.2f} {five:.2f} {fifteen:.2f} {counts}\n"


@proc("version")
def version(kernel: Kernel) -> bytes:
    """proc_version(5)."""
    uts = seen_from(kernel).uts
    return b"%s version %s %s\n" % (uts.sysname, uts.release, uts.version)


@proc("cmdline")
def cmdline(kernel: Kernel) -> bytes:
    """proc_cmdline(5)."""
    return kernel.command_line + b"\n"


@proc("cpuinfo")
def cpuinfo(kernel: Kernel) -> str:
    """proc_cpuinfo(5); the rows are those of the architecture."""
    rows = {
        "riscv64": {
            "hart": "0",
            "isa": "rv64imafdc",
            "mmu": "sv39",
            "mvendorid": "0x0",
            "marchid": "0x0",
            "mimpid": "0x0",  # as riscv_hwprobe(2) tells
        },
        "aarch64": {"Features": "fp asimd", "CPU architecture": "8"},
        "loongarch64": {"CPU Family": "Loongson-64bit", "ISA": "loongarch64"},
    }
    shown = {"processor": "0", **rows.get(kernel.arch, {})}
    return "".join(f"{name:<15}\t: {value}\n" for name, value in shown.items()) + "\n"


@proc("filesystems")
def filesystems(kernel: Kernel) -> str:
    """proc_filesystems(5)."""
    return "".join(f"nodev\t{name}\n" for name in kernel.filesystems)


@proc("devices")
def devices(kernel: Kernel) -> str:
    """proc_devices(5)."""
    characters = [*kernel.devices.majors("char"), (136, "pts")]
    blocks = kernel.devices.majors("block")
    shown = [f"{major:3d} {name}\n" for major, name in sorted(set(characters))]
    return "Character devices:\n" + "".join(shown) + "\nBlock devices:\n" + "".join(
        f"{major:3d} {name}\n" for major, name in blocks
    )  # fmt: skip


@proc("interrupts")
def interrupts(kernel: Kernel) -> str:
    """proc_interrupts(5)."""
    rows = [
        f"{number:3d}: {line.count:10d}  intc {number:3d} Level     {line.name}\n"
        for number, line in sorted(kernel.interrupts.lines.items())
    ]
    return "           CPU0\n" + "".join(rows)


@proc("partitions")
def partitions(kernel: Kernel) -> str:
    """proc_partitions(5): the block devices."""
    rows = [
        f"{d.major:4d}  {d.minor:7d} {getattr(d, 'size', 0) >> 10:10d} {d.name.decode()}\n"
        for d in kernel.devices.values()
        if d.kind == "block"
    ]
    return "major minor  #blocks  name\n\n" + "".join(rows)


@proc("diskstats")
def diskstats(_: Kernel) -> str:
    """proc_diskstats(5): no file system is on a disk, so there are no requests to count."""
    return ""


@proc("vmstat")
def vmstat(kernel: Kernel) -> str:
    """proc_vmstat(5), as far as it is counted: frames by kind, and faults of living processes."""
    usage = kernel.frames.usage()
    minor = major = 0
    for process in list(kernel.processes.values()):
        total = process.total_usage()
        minor += total.minflt
        major += total.majflt
    rows = {
        "nr_free_pages": usage[MemoryKind.FREE] >> 12,
        "nr_anon_pages": usage[MemoryKind.USER] >> 12,
        "nr_file_pages": usage[MemoryKind.PAGE_CACHE] >> 12,
        "nr_page_table_pages": usage[MemoryKind.PAGE_TABLE] >> 12,
        "pgfault": minor + major,
        "pgmajfault": major,
    }
    return "".join(f"{name} {value}\n" for name, value in rows.items())


@proc("swaps")
def swaps(_: Kernel) -> str:
    """proc_swaps(5): there is no swap space."""
    return "Filename\t\t\t\tType\t\tSize\t\tUsed\t\tPriority\n"


@proc("tty/drivers")
def tty_drivers(kernel: Kernel) -> str:
    """List the terminal drivers: name, node, major, minors, type."""
    serial = [d.minor for d in kernel.devices.values() if d.driver == "ttyS"]
    rows = [
        ("/dev/tty", "/dev/tty", 5, "0", "system:/dev/tty"),
        ("/dev/console", "/dev/console", 5, "1", "system:console"),
        ("/dev/ptmx", "/dev/ptmx", 5, "2", "system"),
        ("pty_slave", "/dev/pts", 136, "0-1048575", "pty:slave"),
    ]
    if serial:
        rows.insert(3, ("serial", "/dev/ttyS", 4, f"{min(serial)}-{max(serial)}", "serial"))
    return "".join(
        f"{name:<20} {node:<11} {major:4d} {minors} {kind}\n"
        for name, node, major, minors, kind in rows
    )
