"""Questions that a front end may ask, and their answers: frozen, typed, complete.

Sizes are bytes and times nanoseconds unless a field says otherwise.
"""

from __future__ import annotations

import msgspec

# -- questions ----------------------------------------------------------------------------


class AboutProcess(msgspec.Struct, frozen=True, tag="process?"):
    """Everything that a process has."""

    pid: int


class AboutMemory(msgspec.Struct, frozen=True, tag="memory?"):
    """The physical map in so many cells, and the caches."""

    cells: int = 1024


class AboutAddress(msgspec.Struct, frozen=True, tag="address?"):
    """How a process's virtual address is translated."""

    pid: int
    addr: int


class AboutFiles(msgspec.Struct, frozen=True, tag="files?"):
    """Mounts and open files."""


class AboutFolder(msgspec.Struct, frozen=True, tag="folder?"):
    """What is cached of a directory; nothing is looked up for it."""

    path: bytes = b"/"


class AboutCalls(msgspec.Struct, frozen=True, tag="calls?"):
    """The support table of system calls."""


class AboutCall(msgspec.Struct, frozen=True, tag="call?"):
    """The source of one system call's handler."""

    name: str


# -- answers: a process --------------------------------------------------------------------


class ThreadView(msgspec.Struct, frozen=True, array_like=True):
    """A thread (proc_pid_task(5))."""

    tid: int
    comm: str
    state: str  #: the letter of proc_pid_stat(5)
    waiting: str  #: the call it sleeps in, or ""
    where: str  #: the innermost kernel function of that call, "module.function:line"
    pc: int
    sp: int
    utime_ns: int
    stime_ns: int
    syscalls: int
    nice: int
    policy: int  #: SCHED_*
    blocked: int  #: signal mask, bit N-1 for signal N
    pending: int


class DescriptorView(msgspec.Struct, frozen=True, array_like=True):
    """An open file descriptor (proc_pid_fd(5), proc_pid_fdinfo(5))."""

    fd: int
    kind: str
    path: str
    mode: str  #: "r", "w" or "rw", and the status flags in words
    cloexec: bool
    offset: int
    holders: int  #: descriptors and calls in flight that share the description


class AreaView(msgspec.Struct, frozen=True, array_like=True):
    """A mapping (proc_pid_maps(5)) and the states of its pages."""

    start: int
    end: int
    perms: str  #: "rw-p"
    offset: int
    name: str
    backend: str  #: "linear", "cow", "shared" or "file" (design document 5.3)
    lazy: int  #: pages never touched, or given up
    zero: int  #: pages that still are the frame of zeros
    copied: int  #: pages of this mapping's own
    shared: int  #: private pages shared with a fork until written
    cached: int  #: pages of a file's cache, or of shared memory


class SignalView(msgspec.Struct, frozen=True, array_like=True):
    """What a process does with a signal; only those that are not at their default."""

    signo: int
    name: str
    action: str  #: "default", "ignored" or the handler's address
    flags: int  #: SA_*
    pending: bool  #: for the process as a whole
    blocked: bool  #: by its first thread


class LimitView(msgspec.Struct, frozen=True, array_like=True):
    """A resource limit (getrlimit(2)); -1 is infinity."""

    name: str
    soft: int
    hard: int


class CredentialsView(msgspec.Struct, frozen=True, array_like=True):
    """Who a process is (credentials(7), capabilities(7))."""

    uids: tuple[int, int, int, int]  #: real, effective, saved, file system
    gids: tuple[int, int, int, int]
    groups: tuple[int, ...]
    effective: int  #: capability bits
    permitted: int
    bounding: int
    no_new_privs: bool


class ProcessDetails(msgspec.Struct, frozen=True, tag="process!"):
    """Everything that a process has; ``found`` is False when there is none with this pid."""

    pid: int
    found: bool = False
    comm: str = ""
    exe: str = ""
    cwd: str = ""
    root: str = ""
    umask: int = 0
    arguments: tuple[str, ...] = ()
    children: tuple[int, ...] = ()
    oom_score_adj: int = 0
    exit_status: int | None = None  #: wait(2) status of a zombie
    credentials: CredentialsView | None = None
    threads: tuple[ThreadView, ...] = ()
    descriptors: tuple[DescriptorView, ...] = ()
    areas: tuple[AreaView, ...] = ()
    signals: tuple[SignalView, ...] = ()
    limits: tuple[LimitView, ...] = ()


# -- answers: memory ------------------------------------------------------------------------


class CachedFile(msgspec.Struct, frozen=True, array_like=True):
    """The page cache of one file."""

    path: str
    fs: str
    size: int
    pages: int
    dirty: int  #: pages that the storage below does not have
    mapped: int  #: areas that show it
    hits: int
    misses: int


class MemoryDetails(msgspec.Struct, frozen=True, tag="memory!"):
    """The physical map and what lives in it."""

    frames: int  #: of 4096 bytes
    kinds: tuple[str, ...]  #: names; the cells' numbers count from 0 for "free"
    cells: bytes  #: for each cell the kind that most of its used frames have, 0 if none is used
    used: bytes  #: for each cell the part of it that is used, 0..255
    free_frames: int
    largest_run: int  #: frames
    free_runs: tuple[int, ...]  #: maximal runs of free frames of 2**i up to 2**(i+1)-1 frames
    heap_used: int  #: bytes charged to the kernel heap
    heap_held: int  #: bytes of frames it holds
    cache_pages: int  #: pages that can be read in again
    cache_limit: int
    evictions: int
    reclaims: int
    files: tuple[CachedFile, ...]  #: those with most pages first
    files_total: int
    faults: tuple[tuple[str, int], ...] = ()  #: page faults by cause since the watch began


class PageView(msgspec.Struct, frozen=True, array_like=True):
    """A present page: its page table entry, and the frame behind it."""

    entry: int
    frame: int  #: byte offset in RAM
    perms: str  #: "r-x"
    kind: str  #: of the frame
    references: int
    private: bool  #: the frame belongs to this mapping, or to those it was forked from


class AddressDetails(msgspec.Struct, frozen=True, tag="address!"):
    """A page-table walk."""

    pid: int
    addr: int
    found: bool = False  #: the process exists
    indexes: tuple[int, ...] = ()  #: into each level of the table, the root's first (Sv39)
    root_frame: int = 0  #: of the table, a byte offset in RAM like all frames here
    leaf_table: int = -1  #: the frame of the last level's table, -1 if there is none
    page: PageView | None = None
    area: AreaView | None = None
    data: bytes = b""  #: what is at the address, at most 16 bytes


# -- answers: files --------------------------------------------------------------------------


class MountView(msgspec.Struct, frozen=True, array_like=True):
    """A mount (proc_pid_mountinfo(5))."""

    ident: int
    parent: int
    path: str
    source: str
    fstype: str
    options: str
    users: int  #: open files, working and root directories inside


class OpenFile(msgspec.Struct, frozen=True, array_like=True):
    """A descriptor of some process."""

    pid: int
    comm: str
    descriptor: DescriptorView


class FilesDetails(msgspec.Struct, frozen=True, tag="files!"):
    """Mounts and open files."""

    mounts: tuple[MountView, ...]
    files: tuple[OpenFile, ...]
    files_total: int


class EntryView(msgspec.Struct, frozen=True, array_like=True):
    """A cached name."""

    name: str
    kind: str  #: "file", "directory", "symlink" ..., or "absent" for a name known not to exist
    ino: int
    size: int
    children: int  #: cached names below it
    pages: int  #: cached pages
    mounted: bool


class FolderDetails(msgspec.Struct, frozen=True, tag="folder!"):
    """What is cached of a directory."""

    path: bytes
    found: bool = False  #: the path is cached and is a directory
    entries: tuple[EntryView, ...] = ()
    entries_total: int = 0


# -- answers: system calls ---------------------------------------------------------------------


class CallView(msgspec.Struct, frozen=True, array_like=True):
    """How complete a system call is."""

    number: int
    name: str
    state: str  #: "full", "partial" or "absent"
    missing: str  #: what is missing, in words
    where: str  #: "file:line" of the handler


class CallsDetails(msgspec.Struct, frozen=True, tag="calls!"):
    """Every system call that the architecture has, by number."""

    calls: tuple[CallView, ...]


class CallSource(msgspec.Struct, frozen=True, tag="call!"):
    """A handler's source."""

    name: str
    where: str = ""  #: "file:line", "" for a call that is absent
    first: int = 0  #: number of the first line
    text: str = ""


Question = (
    AboutProcess | AboutMemory | AboutAddress | AboutFiles | AboutFolder | AboutCalls | AboutCall
)
Answer = (
    ProcessDetails
    | MemoryDetails
    | AddressDetails
    | FilesDetails
    | FolderDetails
    | CallsDetails
    | CallSource
)
