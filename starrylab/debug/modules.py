"""What is mapped in a process: ELF images at addresses, their symbols and frame tables.

A process's areas say which file lies where; the program headers of the file say what the load
bias is.  Images are shared by all processes that map the same content (device, inode, time of
the last change), and symbols are read when somebody asks.  The file is read as the guest has it:
on the host's disk if it is unchanged there, else from its pages (tmpfs, memfd, overlays; deleted
files too), never through a page fault.
"""

from __future__ import annotations

import os
import struct
from bisect import bisect_right
from collections import OrderedDict
from collections.abc import Callable, Iterator
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final

from ..abi import elf
from ..abi.arch.unwinding import UNWINDING
from ..abi.numbers import Arch
from ..kernel.fs.hostfs_access import HostFolder
from ..kernel.mm.backends import LINEAR
from ..kernel.vdso import image as vdso_image
from ..kernel.vfs.page_store import PageStore
from ..machine.api import EXEC
from ..userland import cache_folder
from .peek import Peek, file_bytes
from .symbols.cache import IndexCache
from .symbols.debug_files import SYSTEM_FOLDERS
from .symbols.image import ElfImage, ImageError, Segment
from .symbols.symbols import Symbols
from .unwind.quick import QuickWalker
from .unwind.tables import Found, FrameTables

if TYPE_CHECKING:
    from ..kernel.kernel import Kernel
    from ..kernel.mm.areas import Area
    from ..kernel.mm.space import AddressSpace
    from .symbols.go_table import GoFrame

_IMAGES: Final = 256  #: images kept that no process may map any more
_LARGEST: Final = 1 << 30  #: bytes of a file that has to be copied out of the guest
_STUBS: Final = (".plt", ".plt.sec", ".plt.got", ".iplt")
_ENTRY_CODE: Final = 64  #: bytes at the entry that count as its function without symbols

MakeSymbols = Callable[[ElfImage], Symbols]


class LoadedImage:
    """One ELF file, wherever it is mapped; addresses are the file's."""

    def __init__(self, image: ElfImage, make_symbols: MakeSymbols = Symbols.of) -> None:
        self.image = image
        self._make_symbols = make_symbols
        self.segments = image.segments()

    @cached_property
    def symbols(self) -> Symbols:
        """Functions and lines."""
        return self._make_symbols(self.image)

    @cached_property
    def frames(self) -> FrameTables:
        """Call frame information; a separate debug file may have some that the image lacks."""
        return FrameTables(self.image, lambda: self.symbols.debug_image)

    @cached_property
    def stubs(self) -> tuple[range, ...]:
        """Where the procedure linkage tables are."""
        try:
            sections = [self.image.section_table.get(name) for name in _STUBS]
        except ImageError:
            return ()
        return tuple(range(s.address, s.address + s.size) for s in sections if s is not None)

    def segments_of(self, offset: int, prot: int) -> list[Segment]:
        """Return what a mapping of file page ``offset`` may show: segments may share a page."""
        found = [s for s in self.segments if s.offset & ~4095 <= offset < s.offset + s.filesz]
        alike = [s for s in found if bool(s.flags & elf.PF_X) == bool(prot & EXEC)]
        return alike or found


def symbols_for(kernel: Kernel) -> MakeSymbols:
    """Return what makes symbols of the guest's images.

    Separate debug files are looked for in the guest's /usr/lib/debug, where that is a folder of
    the host, and in the host's own.  Indexes are kept in the user's cache folder.
    """
    folders = [*SYSTEM_FOLDERS]
    root = getattr(kernel.root.fs, "folder", None) if kernel.root is not None else None
    if isinstance(root, HostFolder):
        folders.insert(0, os.path.join(os.fsdecode(root.path), "usr/lib/debug"))
    cache = IndexCache(cache_folder() / "symbols")
    return lambda image: Symbols.of(image, folders, cache)


class Module:
    """An image in a process."""

    def __init__(self, path: str, bias: int, loaded: LoadedImage) -> None:
        self.path = path  #: the guest's
        self.name = path.rpartition("/")[2]
        self.bias = bias  #: bytes from an address of the file to that in the process
        self.start = 0
        self.end = 0  #: excluded
        self.loaded = loaded

    @property
    def image(self) -> ElfImage:
        """The ELF file."""
        return self.loaded.image

    @property
    def symbols(self) -> Symbols:
        """The file's symbols."""
        return self.loaded.symbols

    def cover(self, start: int, end: int) -> None:
        """Count an address range as the module's."""
        self.start = min(self.start, start) if self.end else start
        self.end = max(self.end, end)

    def __repr__(self) -> str:
        return f"Module({self.path} {self.start:#x}-{self.end:#x})"


class ImageCache:
    """Images by the identity of their content; one for each kernel."""

    def __init__(self, make_symbols: MakeSymbols = Symbols.of) -> None:
        self._make_symbols = make_symbols
        self._images: OrderedDict[tuple[Any, ...], LoadedImage | None] = OrderedDict()

    def of(self, place: Any, source: Any) -> LoadedImage | None:
        """Return the image in a mapped file; ``None`` if it is none that can be used."""
        if not isinstance(source, PageStore):
            return None
        node = place.node if place is not None else None
        # A file that is written to changes its time, or (memfd) at least its dirty pages.
        key = (
            *(source.fs.dev, source.ino, source.size),
            *(getattr(node, "mtime", 0), len(source.dirty)),
        )
        if key in self._images:
            self._images.move_to_end(key)
            return self._images[key]
        loaded = self._load(place, source)
        self._images[key] = loaded
        if len(self._images) > _IMAGES:
            self._images.popitem(last=False)
        return loaded

    def vdso(self, arch: Arch) -> LoadedImage:
        """Return the kernel's own image."""
        key = ("vdso", arch)
        if (loaded := self._images.get(key)) is None:
            image = ElfImage.from_bytes(vdso_image(arch)[0], "[vdso]")
            loaded = self._images[key] = LoadedImage(image, self._make_symbols)
        return loaded

    def _load(self, place: Any, source: PageStore) -> LoadedImage | None:
        path = _host_path(source)
        name = os.fsdecode(place.path()) if place is not None else "?"
        try:
            if path is not None:
                return LoadedImage(ElfImage.open(path), self._make_symbols)
            if file_bytes(source, 4) != b"\x7fELF" or source.size > _LARGEST:
                return None
            data = file_bytes(source, _LARGEST)
            return LoadedImage(ElfImage.from_bytes(data, name), self._make_symbols)
        except ImageError:
            return None


def _host_path(store: PageStore) -> str | None:
    """Return a host path with the content of a file's pages; ``None`` if the guest changed it."""
    find = getattr(store.backing, "host_path", None)
    if find is None or store.backed != store.size or (store.dirty and not store.through):
        return None
    path: str = find()
    return path if path and os.path.exists(path) else None


class ModuleMap:
    """Modules by address."""

    def __init__(self) -> None:
        self._starts: list[int] = []
        self._ranges: list[tuple[int, Module]] = []  #: end of the range, module

    def find(self, addr: int) -> Module | None:
        """Return the module that ``addr`` lies in, its zeroed data included."""
        index = bisect_right(self._starts, addr) - 1
        if index >= 0:
            end, module = self._ranges[index]
            if addr < end:
                return module
        return None


class Modules(ModuleMap):
    """The images of one address space; `find` notices by itself when areas change."""

    def __init__(self, space: AddressSpace, arch: Arch, images: ImageCache) -> None:
        super().__init__()
        self.space = space
        self.arch: Arch = arch
        self._images = images
        self._areas: list[Area] = []  #: as they were when the modules were made
        self._all: list[Module] = []
        self._quick: QuickWalker | None = None
        self._quick_for: list[tuple[int, int, int, LoadedImage | None]] = []

    def __iter__(self) -> Iterator[Module]:
        self._refresh()
        return iter(self._all)

    def find(self, addr: int) -> Module | None:
        """See `ModuleMap.find`."""
        if self.space.areas != self._areas:  # replaced, never changed: this compares identities
            self._refresh()
        return super().find(addr)

    def quick(self) -> QuickWalker:
        """Return what walks stacks fast; made anew when areas change."""
        self._refresh()
        if self._quick is None:
            self._quick = QuickWalker(UNWINDING[self.arch], self.rules, Peek(self.space).word)
        return self._quick

    def _code(self) -> list[tuple[int, int, int, LoadedImage | None]]:
        """Return what decides how a stack is walked: ranges, biases and images of modules."""
        each = zip(self._starts, self._ranges, strict=True)
        return [(start, end, module.bias, module.loaded) for start, (end, module) in each]

    def snapshot(self) -> ModuleMap:
        """Return the map as it is now; it stays when the address space goes away."""
        self._refresh()
        kept = ModuleMap()
        kept._starts, kept._ranges = self._starts, self._ranges  # noqa: SLF001  # never changed
        return kept

    # -- what the unwinder asks (`unwind.unwinder.Code`) -------------------------------------

    def executable(self, addr: int) -> bool:
        """Tell whether instructions can be fetched from ``addr``."""
        area = self.space.find(addr) if addr >= 0 else None
        return area is not None and bool(area.prot & EXEC)

    def rules(self, addr: int) -> Found | None:
        """Return the call frame information at ``addr``; raise `CfiError`."""
        module = self.find(addr)
        if module is None:
            return None
        return module.loaded.frames.find(addr - module.bias)

    def go_frame(self, addr: int) -> GoFrame | None:
        """Return what a Go program's own table says of the frame at ``addr``."""
        module = self.find(addr)
        return None if module is None else module.loaded.symbols.go_frame(addr - module.bias)

    def function_start(self, addr: int) -> int | None:
        """Return where the function at ``addr`` begins, if symbols tell."""
        module = self.find(addr)
        if module is None:
            return None
        found = module.loaded.symbols.function_range(addr - module.bias)
        return None if found is None else found[0] + module.bias

    def together(self, first: int, second: int) -> bool:
        """Tell whether two addresses lie in the same file, or the same area without a file."""
        one, other = self.find(first), self.find(second)
        if one is not None or other is not None:
            return one is other
        return self.space.find(first) is self.space.find(second)

    def is_stub(self, addr: int) -> bool:
        """Tell whether ``addr`` lies in a procedure linkage table."""
        module = self.find(addr)
        if module is None:
            return False
        return any(addr - module.bias in stubs for stubs in module.loaded.stubs)

    def is_entry(self, addr: int) -> bool:
        """Tell whether ``addr`` lies in the first function of the program or its loader."""
        module = self.find(addr)
        if module is None:
            return False
        entry = module.loaded.image.entry
        if entry + module.bias not in self._entries():
            return False
        found = module.loaded.symbols.function_range(entry)
        first, last = found if found is not None else (entry, entry + _ENTRY_CODE)
        return first <= addr - module.bias < last

    def _entries(self) -> set[int]:
        """Return where the program and its interpreter begin, from the auxiliary vector."""
        auxv = self.space.auxv
        pairs = dict(struct.iter_unpack("<QQ", auxv[: len(auxv) & ~15]))
        entries = {pairs.get(elf.AT_ENTRY, 0)}
        base = pairs.get(elf.AT_BASE, 0)
        loader = self.find(base) if base else None
        if loader is not None:
            entries.add(loader.image.entry + loader.bias)
        return entries

    # -- building ----------------------------------------------------------------------------

    def _refresh(self) -> None:
        if self.space.areas == self._areas:
            return
        self._areas = list(self.space.areas)
        self._all = []
        ranges: list[tuple[int, int, Module]] = []
        known: dict[tuple[int, int], Module] = {}
        for area in self._areas:
            module = self._module_of(area, known)
            if module is not None:
                module.cover(area.start, area.end)
                ranges.append((area.start, area.end, module))
        for each in self._all:
            ranges.extend(self._zeroed(each))
        ranges.sort(key=lambda item: item[:2])
        self._starts = [start for start, _, _ in ranges]
        self._ranges = [(end, module) for _, end, module in ranges]
        code = self._code()
        if code != self._quick_for:  # else only data came or went
            self._quick, self._quick_for = None, code

    def _module_of(self, area: Area, known: dict[tuple[int, int], Module]) -> Module | None:
        if area.backend is LINEAR and area.prot & EXEC:
            module = Module("[vdso]", area.start, self._images.vdso(self.arch))
            self._all.append(module)
            return module
        if area.source is None:
            return None
        loaded = self._images.of(area.place, area.source)
        if loaded is None:
            return None
        segments = loaded.segments_of(area.offset, area.prot)
        if not segments:
            return None
        keys = [(id(loaded), area.start - area.offset - s.vaddr + s.offset) for s in segments]
        # Where segments share a page of the file, the one that fits the others is meant.
        key = next((key for key in keys if key in known), keys[0])
        bias = key[1]
        if key not in known:
            path = os.fsdecode(area.place.path()) if area.place is not None else loaded.image.path
            known[key] = Module(path, bias, loaded)
            self._all.append(known[key])
        return known[key]

    def _zeroed(self, module: Module) -> list[tuple[int, int, Module]]:
        """Return what a module has beyond its file: .bss, where that is still mapped."""
        found = []
        for segment in module.loaded.segments:
            start = (segment.vaddr + segment.filesz + module.bias + 4095) & ~4095
            end = (segment.vaddr + segment.memsz + module.bias + 4095) & ~4095
            area = self.space.find(start) if start < end else None
            if area is not None and area.source is None and module.start <= start:
                found.append((start, min(end, area.end), module))
                module.cover(start, min(end, area.end))
        return found
