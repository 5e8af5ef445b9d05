"""Memory that moves and grows: mremap(2), brk(2), the stack, the vDSO."""

from __future__ import annotations

from typing import Final

from ...abi.errno import EAGAIN, EFAULT, EINVAL, ENOMEM, EPERM
from ...abi.mman import MREMAP_DONTUNMAP, MREMAP_FIXED, MREMAP_MAYMOVE
from ...abi.resource import RLIMIT_DATA
from ...machine.api import EXEC, PAGE_MASK, PAGE_SIZE, READ, WRITE
from .areas import VM_GROWSDOWN, VM_LOCKED, VM_LOCKONFAULT, VM_SHARED, Area
from .backends import COW, LINEAR
from .frames import FrameAllocator
from .layout import INFINITY, MAX_MAP_COUNT, Layout
from .mapping import Mapping
from .placement import page_up
from .source import Limits

_INITIAL_STACK: Final = 33 * PAGE_SIZE  #: stack_expand of setup_arg_pages, and one page
_REMAP_FLAGS: Final = MREMAP_MAYMOVE | MREMAP_FIXED | MREMAP_DONTUNMAP


class Growth(Mapping):
    """Areas that change their size or place."""

    def __init__(self, frames: FrameAllocator, layout: Layout, limits: Limits) -> None:
        super().__init__(frames, layout, limits)
        self.brk_start = 0
        self.brk_end = 0
        self.stack_start = 0  #: an address in the main stack
        #: Where execve put things: arg_start, arg_end, env_start, env_end (/proc/PID/cmdline).
        self.arguments = (0, 0, 0, 0)
        self.auxv = b""
        self.membarriers = 0  #: commands registered with membarrier(2)
        self.trampoline = layout.vdso  #: what a signal handler returns to

    # -- what execve sets up -------------------------------------------------------------------

    def set_brk_start(self, addr: int) -> None:
        """Let the heap begin at ``addr``, empty."""
        self.brk_start = self.brk_end = addr

    def map_stack(self, limit: int, executable: bool) -> int:
        """Map the main stack, which grows down to ``limit`` bytes; return its top."""
        top = self.layout.stack_top
        prot = READ | WRITE | (EXEC if executable else 0)
        size = min(_INITIAL_STACK, max(limit & ~PAGE_MASK, PAGE_SIZE))
        self.check_limits(size, data=False)
        self.insert(Area(top - size, top, prot, VM_GROWSDOWN, COW))
        self.stack_start = top - 1
        return top

    def map_vdso(self, code_frame: int, data_frame: int, sigreturn: int) -> int:
        """Map the vDSO and its data; signal handlers return to its byte ``sigreturn`` (8.2.2).

        Returns its address.
        """
        vvar, vdso = self.layout.vvar, self.layout.vdso
        self.insert(Area(vvar, vvar + PAGE_SIZE, READ, 0, LINEAR, None, data_frame))
        self.insert(Area(vdso, vdso + PAGE_SIZE, READ | EXEC, 0, LINEAR, None, code_frame))
        self.trampoline = vdso + sigreturn
        return vdso

    def change_vvar(self, data_frame: int) -> None:
        """Show other data to the vDSO; a program that unmapped its data keeps it so."""
        vvar = self.layout.vvar
        area = self.find(vvar)
        if area is not None and area.backend is LINEAR and area.start == vvar:
            self.unmap_range(vvar, vvar + PAGE_SIZE)
            self.insert(Area(vvar, vvar + PAGE_SIZE, READ, 0, LINEAR, None, data_frame))

    def note_arguments(
        self, arg_start: int, arg_end: int, env_start: int, env_end: int, auxv: bytes
    ) -> None:
        """Remember where arguments and environment are, and the auxiliary vector."""
        self.arguments = (arg_start, arg_end, env_start, env_end)
        self.auxv = auxv

    # -- brk -----------------------------------------------------------------------------------

    def brk(self, addr: int) -> int:
        """Move the end of the heap to ``addr`` if possible; return where it is (brk(2))."""
        if addr < self.brk_start:
            return self.brk_end
        new, old = page_up(addr), page_up(self.brk_end)
        if new < old:
            try:
                self.check_seals(new, old)
            except EPERM:
                return self.brk_end
            self.unmap_range(new, old)
        elif new > old and not self._grow_heap(old, new):
            return self.brk_end
        self.brk_end = addr
        return addr

    def _grow_heap(self, old: int, new: int) -> bool:
        limit = self.limits.soft(RLIMIT_DATA)
        if limit != INFINITY and new - self.brk_start > limit:
            return False
        if new + PAGE_SIZE > self.user_top or not self.is_free(old, new + PAGE_SIZE):
            return False
        try:
            self.check_limits(new - old, data=True)
            if self.lock_future & VM_LOCKED:
                self.check_lock_limit(new - old)
        except (ENOMEM, EAGAIN):
            return False
        if len(self.areas) >= MAX_MAP_COUNT:
            return False
        self.insert(Area(old, new, READ | WRITE, self.lock_future, COW))
        if self.lock_future and not self.lock_future & VM_LOCKONFAULT:
            self.populate(old, new)
        return True

    # -- mremap -----------------------------------------------------------------------------------

    def remap(self, old: int, old_size: int, new_size: int, flags: int, target: int = 0) -> int:
        """Resize or move the mapping at ``old``; return where it is (mremap(2)).

        Raises ``EINVAL``, ``EFAULT`` (not mapped, or not one mapping), ``EPERM`` (sealed),
        ``ENOMEM``, ``EAGAIN``.
        """
        old_size, new_size = page_up(old_size), page_up(new_size)
        self._check_remap(old, old_size, new_size, flags, target)
        area = self.find(old)
        if area is None:
            raise EFAULT
        self.check_seals(old, old + (old_size or 1))
        if not old_size and not area.flags & VM_SHARED:
            raise EINVAL
        fixed = flags & MREMAP_FIXED
        if fixed:
            self.check_seals(target, target + new_size)
            self.unmap_range(target, target + new_size)
        if new_size < old_size:
            self.unmap_range(old + new_size, old + old_size)
            old_size = new_size
        area = self.find(old)
        if area is None or old + old_size > area.end:
            raise EFAULT
        if new_size == old_size and not flags & (MREMAP_FIXED | MREMAP_DONTUNMAP):
            return old
        growth = new_size - old_size
        if flags & MREMAP_DONTUNMAP or not old_size:
            growth = new_size
        self.check_limits(growth, area.prot & WRITE and not area.flags & VM_SHARED)
        if area.flags & VM_LOCKED:
            self.check_lock_limit(growth)
        stays = not fixed and old_size and not flags & MREMAP_DONTUNMAP
        if stays and self._grow_in_place(area, old + old_size, old + new_size):
            return old
        if not flags & MREMAP_MAYMOVE:
            raise ENOMEM
        if not fixed:
            target = self._place(target if flags & MREMAP_DONTUNMAP else 0, new_size)
        self._move(area, old, old_size, target, new_size, keep=flags & MREMAP_DONTUNMAP)
        return target

    def _check_remap(self, old: int, old_size: int, new_size: int, flags: int, target: int) -> None:
        top = self.user_top
        if flags & ~_REMAP_FLAGS or old & PAGE_MASK or not new_size:
            raise EINVAL
        if flags & (MREMAP_FIXED | MREMAP_DONTUNMAP) and not flags & MREMAP_MAYMOVE:
            raise EINVAL
        if flags & MREMAP_DONTUNMAP and old_size != new_size:
            raise EINVAL
        if flags & MREMAP_FIXED:
            if target & PAGE_MASK or new_size > top or target > top - new_size:
                raise EINVAL
            if target < old + old_size and old < target + new_size:
                raise EINVAL
        if new_size > top:
            raise ENOMEM
        if len(self.areas) + 3 > MAX_MAP_COUNT:
            raise ENOMEM

    def _grow_in_place(self, area: Area, old_end: int, new_end: int) -> bool:
        if area.end != old_end or new_end > self.user_top:
            return False
        if not self.is_free(old_end, new_end):
            return False
        self.insert(area.part(old_end, new_end))
        if self.policies is not None:
            self.policies.put(old_end, new_end, self.policies.find(old_end - 1))
        if area.flags & (VM_LOCKED | VM_LOCKONFAULT) == VM_LOCKED:
            self.populate(old_end, new_end)
        return True

    def _move(
        self, area: Area, old: int, old_size: int, target: int, new_size: int, *, keep: int
    ) -> None:
        """Map the content at ``old`` at ``target``, take its pages along, and unmap ``old``."""
        table = self.table
        shift = (target >> 12) - (old >> 12)
        pages = self.present(old >> 12, (old + old_size) >> 12)
        for vpn in pages:
            if (vpn + shift) >> 9 not in self.regions:
                self.add_region((vpn + shift) >> 9)
        flags = area.flags
        self.insert(area.part(old, old + new_size).moved(target, target + new_size))
        for vpn in pages:
            table[vpn + shift] = table.pop(vpn)
        if pages:
            self.flush()
        if self.watch is not None:
            self.watch.moved(area, old, target, old_size)
        if self.policies is not None:
            self.policies.move(old, target, old_size, new_size)
        if keep:
            unlocked = flags & ~(VM_LOCKED | VM_LOCKONFAULT)
            self.rewrite(old, old + old_size, lambda a: a.changed(a.prot, unlocked))
        elif old_size:
            self.unmap_range(old, old + old_size)
        if flags & VM_LOCKED and not flags & VM_LOCKONFAULT:
            self.populate(target, target + new_size)
