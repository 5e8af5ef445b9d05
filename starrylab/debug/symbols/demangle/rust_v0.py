"""Rust's v0 mangling (RFC 2603, "The Rust Symbol Mangling v0").

Printed as rustc-demangle's ``{:#}`` does: without the disambiguators of crates and the types of
constants.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final

from .rust_terms import BrokenName, Terms

_BASIC: Final = {
    "a": "i8", "b": "bool", "c": "char", "d": "f64", "e": "str", "f": "f32", "h": "u8",
    "i": "isize", "j": "usize", "l": "i32", "m": "u32", "n": "i128", "o": "u128", "p": "_",
    "s": "i16", "t": "u16", "u": "()", "v": "...", "x": "i64", "y": "u64", "z": "!",
}  # fmt: skip
_SIGNED: Final = frozenset("asxlni")
_UNSIGNED: Final = frozenset("htmyoj")
_SUFFIX: Final = re.compile(r"[._$].*\Z", re.DOTALL)
_LLVM: Final = re.compile(r"\.llvm\.[0-9A-F@]+")
_ESCAPED: Final = {"\t": "\\t", "\r": "\\r", "\n": "\\n", "'": "\\'", "\\": "\\\\", "\0": "\\0"}


def demangle_v0(name: str) -> str | None:
    """Return the demangled name; None when it does not follow the grammar."""
    parser = _Parser(name[2:])
    try:
        text = parser.path(in_value=True)
        if parser.at < len(parser.text) and parser.text[parser.at] in "CMXYNIB":
            parser.quiet = True
            parser.path(in_value=False)  # the crate that instantiated a generic function
    except (BrokenName, RecursionError):
        return None
    rest = _LLVM.sub("", parser.text[parser.at :])
    if rest and not _SUFFIX.match(rest):
        return None
    return text + (f" ({rest})" if rest else "")


class _Parser(Terms):
    """Recursive descent over RFC 2603's grammar; each method returns the text of its symbol."""

    # Paths.

    def path(self, *, in_value: bool) -> str:
        """Parse a path: of a value (``f::<u8>``) or of a type (``T<u8>``)."""
        self.enter()
        tag = self.next()
        method = _PATHS.get(tag)
        if method is None:
            raise BrokenName
        text = method(self, in_value)
        self.depth -= 1
        return self.grown(text)

    def crate(self, in_value: bool) -> str:
        """``C``: a crate's root."""
        return self.identifier()[1]

    def inherent(self, in_value: bool) -> str:
        """``M``: an inherent implementation; which module it is in does not matter."""
        self._implementation()
        return f"<{self.type()}>"

    def trait_impl(self, in_value: bool) -> str:
        """``X``: a trait's implementation."""
        self._implementation()
        return self.trait_definition(in_value)

    def trait_definition(self, in_value: bool) -> str:
        """``Y``: a trait's own item."""
        kind = self.type()
        return f"<{kind} as {self.path(in_value=False)}>"

    def _implementation(self) -> None:
        self.optional_62("s")
        quiet, self.quiet = self.quiet, True
        self.path(in_value=False)
        self.quiet = quiet

    def nested(self, in_value: bool) -> str:
        """``N``: something in something; upper case for what has no name in the source."""
        namespace = self.next()
        if not namespace.isascii() or not namespace.isalpha():
            raise BrokenName
        parent = self.path(in_value=in_value)
        disambiguator, name = self.identifier()
        if namespace.isupper():
            kind = {"C": "closure", "S": "shim"}.get(namespace, namespace)
            return f"{parent}::{{{kind}{':' if name else ''}{name}#{disambiguator}}}"
        return f"{parent}::{name}" if name else parent

    def generic(self, in_value: bool) -> str:
        """``I``: generic arguments."""
        path = self.path(in_value=in_value)
        arguments = self.many(self.argument)
        return f"{path}{'::' if in_value else ''}<{', '.join(arguments)}>"

    def same_path(self, in_value: bool) -> str:
        """``B``: a path that was there before."""
        return self.back_reference(lambda: self.path(in_value=in_value))

    def many(self, parse: Callable[[], str]) -> list[str]:
        """Parse up to ``E``."""
        found = []
        while not self.eat("E"):
            found.append(parse())
        return found

    def argument(self) -> str:
        """Parse a lifetime, a constant or a type."""
        if self.eat("L"):
            return self.lifetime(self.base_62())
        return self.constant(bare=False) if self.eat("K") else self.type()

    def lifetime(self, index: int) -> str:
        """Name a lifetime by its distance to the binder that introduced it."""
        if index == 0:
            return "'_"
        depth = self.lifetimes - index
        if depth < 0:
            raise BrokenName
        return f"'{chr(97 + depth)}" if depth < 26 else f"'_{depth}"

    # Types.

    def type(self) -> str:
        """Parse a type."""
        tag = self.next()
        if tag in _BASIC:
            return _BASIC[tag]
        self.enter()
        method = _TYPES.get(tag)
        if method is not None:
            text = method(self)
        else:
            self.at -= 1
            text = self.path(in_value=False)
        self.depth -= 1
        return self.grown(text)

    def array(self) -> str:
        """Parse what follows ``A``."""
        return f"[{self.type()}; {self.constant(bare=True)}]"

    def slice(self) -> str:
        """``S``."""
        return f"[{self.type()}]"

    def tuple(self) -> str:
        """``T``."""
        parts = self.many(self.type)
        return f"({', '.join(parts)}{',' if len(parts) == 1 else ''})"

    def reference(self, mutable: str = "") -> str:
        """``R``."""
        lifetime = ""
        if self.eat("L"):
            index = self.base_62()
            lifetime = f"{self.lifetime(index)} " if index else ""
        return f"&{lifetime}{mutable}{self.type()}"

    def mutable_reference(self) -> str:
        """``Q``."""
        return self.reference("mut ")

    def pointer(self) -> str:
        """``P``."""
        return f"*const {self.type()}"

    def mutable_pointer(self) -> str:
        """``O``."""
        return f"*mut {self.type()}"

    def same_type(self) -> str:
        """``B``."""
        return self.back_reference(self.type)

    def binder(self, parse: Callable[[], str]) -> str:
        """Parse ``for<'a, 'b>`` and what it is for."""
        count = self.optional_62("G")
        if count > 256:
            raise BrokenName
        prefix = ""
        self.lifetimes += count
        if count:
            prefix = f"for<{', '.join(self.lifetime(count - i) for i in range(count))}> "
        text = prefix + parse()
        self.lifetimes -= count
        return text

    def function(self) -> str:
        """``F``."""
        return self.binder(self._signature)

    def _signature(self) -> str:
        words = "unsafe " if self.eat("U") else ""
        if self.eat("K"):
            abi = "C" if self.eat("C") else self.undisambiguated().replace("_", "-")
            words += f'extern "{abi}" '
        parameters = ", ".join(self.many(self.type))
        result = "" if self.eat("u") else f" -> {self.type()}"
        return f"{words}fn({parameters}){result}"

    def trait_object(self) -> str:
        """``D``."""
        bounds = self.binder(lambda: " + ".join(self.many(self._dyn_trait)))
        if not self.eat("L"):
            raise BrokenName
        index = self.base_62()
        return f"dyn {bounds}{f' + {self.lifetime(index)}' if index else ''}"

    def _dyn_trait(self) -> str:
        path = self.path(in_value=False)
        bindings = []
        while self.eat("p"):
            name = self.undisambiguated()
            bindings.append(f"{name} = {self.type()}")
        if not bindings:
            return path
        inner = ", ".join(bindings)
        return f"{path[:-1]}, {inner}>" if path.endswith(">") else f"{path}<{inner}>"

    # Constants.

    def constant(self, *, bare: bool) -> str:
        """Parse a constant; one that is no literal stands in braces among generic arguments."""
        self.enter()
        tag = self.next()
        if tag in _SIGNED or tag in _UNSIGNED:
            text = ("-" if tag in _SIGNED and self.eat("n") else "") + self._number()
        elif tag == "B":
            text = self.back_reference(lambda: self.constant(bare=bare))
        elif tag in _CONSTANTS:
            text = _CONSTANTS[tag](self)
            if not bare and tag in "AQRTVe":
                text = text if tag in "RQ" and text.startswith('"') else f"{{{text}}}"
        else:
            raise BrokenName
        self.depth -= 1
        return self.grown(text)

    def _hex(self) -> str:
        digits = ""
        while not self.eat("_"):
            digit = self.next()
            if digit not in "0123456789abcdef":
                raise BrokenName
            digits += digit
        return digits

    def _number(self) -> str:
        digits = self._hex()
        value = int(digits or "0", 16)
        return f"0x{digits}" if value >> 64 else str(value)

    def placeholder(self) -> str:
        """``p``: a constant that is not known."""
        return "_"

    def boolean(self) -> str:
        """``b``."""
        value = self._hex()
        if value not in ("0", "1"):
            raise BrokenName
        return "true" if value == "1" else "false"

    def character(self) -> str:
        """``c``."""
        code = int(self._hex() or "0", 16)
        if code >= 0x110000 or 0xD800 <= code < 0xE000:
            raise BrokenName
        text = chr(code)
        return (
            f"'{_ESCAPED.get(text) or (text if text.isprintable() else f'{chr(92)}u{{{code:x}}}')}'"
        )

    def string(self) -> str:
        """``e``: the text itself, which has type ``str``."""
        return f"*{self._text()}"

    def _text(self) -> str:
        try:
            text = bytes.fromhex(self._hex()).decode()
        except ValueError as error:
            raise BrokenName from error
        escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
        return f'"{escaped}"'

    def const_reference(self) -> str:
        """``R``: ``&str`` is written as the text alone."""
        if self.eat("e"):
            return self._text()
        return f"&{self.constant(bare=True)}"

    def const_mutable(self) -> str:
        """``Q``."""
        return f"&mut {self.constant(bare=True)}"

    def const_array(self) -> str:
        """Parse what follows ``A``."""
        return f"[{', '.join(self.many(lambda: self.constant(bare=True)))}]"

    def const_tuple(self) -> str:
        """``T``."""
        parts = self.many(lambda: self.constant(bare=True))
        return f"({', '.join(parts)}{',' if len(parts) == 1 else ''})"

    def variant(self) -> str:
        """``V``: a structure or an enumeration's variant."""
        path = self.path(in_value=True)
        shape = self.next()
        if shape == "U":
            return path
        if shape == "T":
            return f"{path}({', '.join(self.many(lambda: self.constant(bare=True)))})"
        if shape != "S":
            raise BrokenName
        return f"{path} {{ {', '.join(self.many(self._field))} }}"

    def _field(self) -> str:
        name = self.identifier()[1]
        return f"{name}: {self.constant(bare=True)}"


_PATHS: Final[dict[str, Callable[[_Parser, bool], str]]] = {
    "C": _Parser.crate,
    "M": _Parser.inherent,
    "X": _Parser.trait_impl,
    "Y": _Parser.trait_definition,
    "N": _Parser.nested,
    "I": _Parser.generic,
    "B": _Parser.same_path,
}
_TYPES: Final[dict[str, Callable[[_Parser], str]]] = {
    "A": _Parser.array,
    "S": _Parser.slice,
    "T": _Parser.tuple,
    "R": _Parser.reference,
    "Q": _Parser.mutable_reference,
    "P": _Parser.pointer,
    "O": _Parser.mutable_pointer,
    "F": _Parser.function,
    "D": _Parser.trait_object,
    "B": _Parser.same_type,
}
_CONSTANTS: Final[dict[str, Callable[[_Parser], str]]] = {
    "p": _Parser.placeholder,
    "b": _Parser.boolean,
    "c": _Parser.character,
    "e": _Parser.string,
    "R": _Parser.const_reference,
    "Q": _Parser.const_mutable,
    "A": _Parser.const_array,
    "T": _Parser.const_tuple,
    "V": _Parser.variant,
}
