"""A thread as a debugger inspects it: its frames, with memory, registers and debug information."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import cached_property, partial
from typing import TYPE_CHECKING
from weakref import WeakKeyDictionary

from ..abi.arch.unwinding import UNWINDING, UnwindLayout
from .dwarf.errors import NoMemory, Unavailable
from .dwarf.frame import PC, FrameState, no_registers
from .dwarf.module import DebugData, ModuleData
from .dwarf.tls import Tls
from .dwarf.variables import Variable, variables
from .frame_scope import FrameScope
from .peek import Peek

if TYPE_CHECKING:
    from ..kernel.thread import Thread
    from .modules import LoadedImage, Module
    from .stack import Stacks
    from .symbols.image import ElfImage
    from .unwind.unwinder import RawFrame

#: (address, data) -> changes user memory; raises `Unavailable`
Poke = Callable[[int, bytes], None]


def no_poke(_address: int, _data: bytes) -> None:
    """Refuse to change memory."""
    raise Unavailable("memory cannot be changed here")


class UserMemory:
    """The memory of a thread's address space, looked at without side effects."""

    def __init__(self, peek: Peek, poke: Poke = no_poke) -> None:
        self._peek = peek
        self._poke = poke

    def read(self, address: int, size: int) -> bytes:
        """Return exactly ``size`` bytes; raise `NoMemory`."""
        data = self._peek.read(address & (1 << 64) - 1, size)
        if len(data) < size:
            raise NoMemory(address + len(data))
        return data

    def write(self, address: int, data: bytes) -> None:
        """Change memory; raise `Unavailable`."""
        self._poke(address, data)


class Inspector:
    """What is known about the data of one kernel's programs; one for each kernel."""

    def __init__(self, stacks: Stacks) -> None:
        self.stacks = stacks
        self._data: WeakKeyDictionary[LoadedImage, DebugData] = WeakKeyDictionary()

    def thread(self, thread: Thread, poke: Poke = no_poke) -> InspectedThread:
        """Return a stopped thread; good until it runs again."""
        return InspectedThread(self, thread, poke)

    def data(self, loaded: LoadedImage) -> DebugData:
        """Return what the debug information of an image says of data."""
        found = self._data.get(loaded)
        if found is None:
            found = self._data[loaded] = _debug_data(loaded)
        return found


def namer(stacks: Stacks) -> Callable[[Thread, int], str]:
    """Return what names an address of a thread as " <name+4>", or "" where nothing has a name."""
    inspector = Inspector(stacks)

    def name(thread: Thread, address: int) -> str:
        found = inspector.thread(thread).symbol(address)
        return f" {found}" if found else ""

    return name


def _debug_data(loaded: LoadedImage) -> DebugData:
    symbols = loaded.symbols
    return DebugData(loaded.image, symbols.info, symbols.debug_image)


class InspectedThread:
    """The user frames of a stopped thread."""

    def __init__(self, inspector: Inspector, thread: Thread, poke: Poke) -> None:
        self.inspector = inspector
        self.thread = thread
        self._poke = poke
        self.memory = UserMemory(Peek(thread.mm), poke)
        self._modules = inspector.stacks.modules(thread.mm)
        self._known: dict[int, ModuleData] = {}
        self._tls = Tls(inspector.stacks.kernel.arch, self._images)

    def _images(self) -> Iterator[ElfImage]:
        return (module.image for module in self._modules)

    @cached_property
    def raw(self) -> list[RawFrame]:
        """The physical frames."""
        return self.inspector.stacks.raw(self.thread)

    @cached_property
    def frames(self) -> list[FrameState]:
        """The physical frames as values are read from; innermost first."""
        return [self._state(raw, index) for index, raw in enumerate(self.raw)]

    def frame(self, index: int) -> FrameState:
        """Return one frame; the innermost one without a look at the others."""
        return self.frames[index] if index else self._innermost

    @cached_property
    def _innermost(self) -> FrameState:
        return self._state(self.inspector.stacks.raw(self.thread, 1)[0], 0)

    def _state(self, raw: RawFrame, index: int) -> FrameState:
        names = self.layout.names
        registers = {n: value for n, value in enumerate(raw.registers) if value is not None}
        if "zero" in names:
            registers[names.index("zero")] = 0  # no frame saves it
        registers[PC] = raw.pc
        writable = index == 0 and self._poke is not no_poke
        return FrameState(
            raw.pc,
            raw.lookup,
            registers,
            self.memory,
            raw.cfa or None,
            self._caller(index + 1),
            self._tls.address,
            partial(self._set_register, registers) if writable else no_registers,
        )

    def _set_register(self, known: dict[int, int], number: int, value: int) -> None:
        """Change a register of the thread, by its DWARF number."""
        layout, context = self.layout, self.thread.context
        word = layout.pc_word if number == PC else -1
        if number in layout.general:
            word = layout.general.index(number)
        if word >= 0:
            data = bytearray(context.general())
            data[8 * word : 8 * word + 8] = (value & (1 << 64) - 1).to_bytes(8, "little")
            context.set_general(bytes(data))
        elif 0 < layout.floating <= number:
            size = layout.floating_size
            at = size * (number - layout.floating)
            data = bytearray(context.floating())
            data[at : at + size] = (value & (1 << 8 * size) - 1).to_bytes(size, "little")
            context.set_floating(bytes(data))
        else:
            raise Unavailable("this register cannot be changed")
        known[number] = value

    def _caller(self, index: int) -> Callable[[], FrameState | None]:
        return lambda: self.frames[index] if index < len(self.frames) else None

    def module(self, address: int) -> ModuleData | None:
        """Return the module at a run-time address."""
        module = self._modules.find(address)
        return None if module is None else self._module_data(module)

    def modules(self) -> Iterator[ModuleData]:
        """Yield all modules: the program first, then its libraries."""
        found = [self._module_data(module) for module in self._modules]
        yield from sorted(found, key=lambda data: not data.data.is_executable)

    def _module_data(self, module: Module) -> ModuleData:
        known = self._known.get(module.bias)
        if known is None or known.data.image is not module.loaded.image:
            data = self.inspector.data(module.loaded)
            known = self._known[module.bias] = ModuleData(data, module.bias, self.module)
        return known

    def scope(self, index: int = 0, depth: int = 0) -> FrameScope:
        """Return what names mean in a physical frame, in one of the functions inlined there."""
        return FrameScope(self, index, depth)

    def variables(self, index: int = 0, depth: int = 0) -> list[Variable]:
        """Return the variables of a physical frame, for one of the functions inlined there."""
        frame = self.frame(index)
        module = self.module(frame.lookup)
        return variables(module, frame, depth) if module is not None else []

    def symbol(self, address: int) -> str:
        """Return ``<name+offset>`` for an address of code or data, "" for others."""
        module = self._modules.find(address)
        if module is None:
            return ""
        if not self._modules.executable(address):
            data = self.inspector.data(module.loaded).linker.data_at(address - module.bias)
            return f"<{data}>" if data else ""
        name = module.symbols.lookup(address - module.bias)[-1]
        if not name.function:
            return ""
        return f"<{name.function}+{name.offset}>" if name.offset > 0 else f"<{name.function}>"

    @property
    def layout(self) -> UnwindLayout:
        """Names and numbers of registers."""
        return UNWINDING[self.inspector.stacks.kernel.arch]
