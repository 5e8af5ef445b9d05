"""Conditions of breakpoints, evaluated where a thread stopped."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from ...abi.arch import ARCHES
from ...kernel.syscalls import table
from ..language.errors import ExpressionError
from ..language.parser import parse
from ..peek import Peek
from .api import CallStop, ControlError
from .conditions import evaluate

if TYPE_CHECKING:
    from ...kernel.thread import Thread

_WORD: Final = 8
_SIGN: Final = 1 << 63


def check_condition(text: str) -> None:
    """Raise `ControlError` for what is no expression, whatever the names in it stand for."""
    if not text:
        return
    try:
        parse(text)
    except ExpressionError as error:
        try:
            parse(text, lambda _name: True)  # a cast to a type of the program
        except ExpressionError:
            raise ControlError(str(error)) from None


def condition(thread: Thread, text: str, call: CallStop | None) -> int:
    """Return the value of ``text`` at the thread's registers; raise `ControlError`.

    In a caught system call its arguments have names, those of the manual page, and so has its
    ``result``.
    """

    def value(name: str) -> int:
        if name.startswith("$"):
            return register(thread, name[1:])
        if call is not None:
            return call_value(thread, call, name)
        raise ControlError(f'no symbol "{name}" in current context')

    def load(addr: int) -> int:
        word = Peek(thread.mm).word(addr)
        if word is None:
            raise ControlError(f"cannot access memory at address {addr:#x}")
        return word

    return evaluate(text, value, load)


def register(thread: Thread, name: str) -> int:
    """Return a general register, signed; ``pc`` and ``sp`` are known everywhere."""
    if name == "pc":
        return thread.context.pc
    if name == "sp":
        return thread.context.sp
    names = ARCHES[thread.kernel.arch].general
    if name not in names:
        raise ControlError(f"no register ${name}")
    at = names.index(name) * _WORD
    word = int.from_bytes(thread.context.general()[at : at + _WORD], "little")
    return word - (word & _SIGN) * 2


def call_value(thread: Thread, call: CallStop, name: str) -> int:
    """Return an argument of a system call, cut to its C type, or its result."""
    if name == "result":
        if call.result is None:
            raise ControlError("a system call has no result at its entry")
        return call.result
    entry = table(thread.kernel.arch).get(call.number)
    for index, (argument, ctype) in enumerate(entry.args if entry is not None else ()):
        if name in (argument, ctype.show):  # a file may be called "fd", as its manual page does
            return _cut(ctype.decode, call.arguments[index])
    raise ControlError(f'{call.name or "the call"} has no argument "{name}"')


def _cut(decode: str, word: int) -> int:
    """Return a register as the C type whose conversion is ``decode`` (`syscalls._types`)."""
    bits = 32 if "0xFFFFFFFF" in decode else 64
    word &= (1 << bits) - 1
    return word - (word >> bits - 1 << bits) if "^" in decode else word
