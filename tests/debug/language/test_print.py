"""The command ``print`` on a real frame, against gdb on a core file of the same stop."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import pytest

from starrylab.debug.dwarf.describe import describe
from starrylab.debug.dwarf.errors import PROBLEMS
from starrylab.debug.dwarf.format import PLAIN, show_typed
from starrylab.debug.dwarf.spelling import spell
from starrylab.debug.inspect import InspectedThread
from starrylab.debug.language import Evaluator
from starrylab.debug.registers import fields, read
from starrylab.kernel.kernel import Kernel
from tests.debug.dwarf.stopped import compiled, core_of, gdb, run

EXPRESSIONS = [
    "argument", "wide", "head", "head.name", "head.next", "*head.next", "head.next->name",
    "head.next->colour", "&head", "&head.next->name", "numbers", "numbers[1]", "*numbers",
    "numbers + 1", "*(numbers + 1)", "&numbers[2]", "&numbers[3] - &numbers[0]", "numbers[1]@3",
    "row", "*row", "(*row)[1]", "row[0][2]", "grid[1][0]", "grid[1]", "&grid[1]", "corners[1].y",
    "&corners", "fields.middle", "fields.high + 1", "fields.where.y", "number.fraction",
    "number.whole / 2", "small", "small + 1", "(int)small", "negative", "byte + negative",
    "word * uword", "uword << 3", "huge", "huge >> 60", "huge + 1", "-huge", "~word", "!truth",
    "truth", "single / 2", "twice * 2", "single + 1", "argument / 2", "-argument / 2",
    "argument % 7", "-7 % 3", "-7 / 2", "7.0 / 2", "colour", "odd", "access", "RED", "BLUE",
    "colour == GREEN", "argument > 5 && wide < 3000", "argument < 5 || 0", "1 ? 10 : 20",
    "pointer", "(struct node *)pointer", "*(struct node *)pointer", "((node_t *)pointer)->next",
    "*(int *)&number", "(char)65", "(unsigned char)-1", "(short)70000", "(double)argument",
    "(long)twice", "(unsigned long)-1", "sizeof(int)", "sizeof(struct node)", "sizeof head",
    "sizeof numbers", "sizeof(node_t *)", "null", "indirect", "*indirect",
    "constant", "&constant", "global_counter", "&global_counter", "greeting", "table",
    "table[1][2]", "handle", "function", "*function", "add", "&add", "main", "operations",
    "operations[0]", "length * 2", "variable[3]", "buffer", "buffer[1]", "&buffer[1]", "full",
    "text", "*text", "text[2]", "*text@3", "1 + 2 * 3", "(1 + 2) * 3", "0x10 | 3", "017",
    "'a'", "'\\n'", "1, 2", "$sp", "$pc", "$ra", "$s0 + 8", "10u - 11", "1 == 1.0", "5 & 3 ^ 1",
    "by_value", "by_value.x + by_value.y", "zeros", "stop", "word > uword", "1 << 31",
    "(long)raw_word", "&raw_word", "*(int *)&raw_word", "raw_code", "&raw_code",
    "(enum access)9", "mode", "(enum mode)3",
    "4294967295", "2147483648", "0xffffffff", "5 > 3 > 1", "numbers == &numbers[0]",
]  # fmt: skip
FORMATTED = [
    ("x", "argument"), ("x", "word"), ("x", "numbers"), ("d", "huge"), ("u", "word"),
    ("o", "argument"), ("t", "byte"), ("c", "small"), ("z", "word"), ("x", "head.next->colour"),
    ("x", "by_value"), ("d", "truth"), ("x", "-1"), ("t", "10"), ("a", "pointer"), ("x", "small"),
]  # fmt: skip
WRONG = [
    ("nonsense", 'no symbol "nonsense" in current context'),
    ("head.nothing", "there is no member named nothing"),
    ("argument.x", "not a structure"),
    ("*twice", "non-pointer"),
    ("argument +", "near|at its end"),
    ("(argument", "expected '\\)'"),
    ("argument argument", "syntax error"),
    ("&5", "not located in memory"),
    ("1 / 0", "division by zero"),
    ("stop()", "functions cannot be called"),

    ("sizeof(struct nothing)", "no type named struct nothing"),
    ("$nothing", "no register"),
    ("struct node", "is a type"),
    ("1.5 % 2", "must be integers"),
    ("'ab'", "not one character"),
    ("\"open", "unterminated string"),
    ("`", "invalid character"),
    ("argument@0", "repetitions"),
    ("1 << 200", "shift"),
    ("raw_word", "has unknown type; cast it"),
    ("raw_word + 1", "has unknown type; cast it"),
    ("5 = 6", "cannot be changed"),
]  # fmt: skip


def normal(text: str) -> str:
    text = re.sub(r"^\$\d+ = ", "", text.strip())
    return re.sub(r'\\000(\\.|[^"\\])*"', '"', text)


def printed(evaluator: Evaluator, stopped: InspectedThread, text: str, letter: str = "") -> str:
    style = replace(PLAIN, letter=letter, symbol=stopped.symbol)
    try:
        return normal(show_typed(evaluator.evaluate(text), style))
    except PROBLEMS as error:
        return f"error: {error}"


@pytest.fixture(scope="module")
def program() -> Path:
    return compiled("types.c", "-O0")


def test_print_as_gdb_prints(program: Path, tmp_path: Path) -> None:
    differing: dict[str, tuple[str, str]] = {}

    def compare(stopped: InspectedThread, kernel: Kernel) -> None:
        core = core_of(stopped, tmp_path)
        commands = [f"print {text}" for text in EXPRESSIONS]
        commands += [f"print/{letter} {text}" for letter, text in FORMATTED]
        theirs = gdb(program, core, ["frame 1", *commands])[1:]
        evaluator = Evaluator(stopped.scope(1))
        ours = [printed(evaluator, stopped, text) for text in EXPRESSIONS]
        ours += [printed(evaluator, stopped, text, letter) for letter, text in FORMATTED]
        for command, mine, other in zip(commands, ours, theirs, strict=True):
            if mine != normal(other):
                differing[command] = (mine, normal(other))

    run(program, compare)
    assert differing == {}


TYPES = [
    "struct point", "struct bits", "union number", "struct node", "node_t", "enum colour",
    "enum access",
]  # fmt: skip
WHATIS = ["head", "numbers", "&numbers", "row", "operations", "function", "add", "&add", "grid[0]",
          "constant", "&constant", "text", "argument + 1", "argument + 1l", "single + 1", "small",
          "numbers + 1", "&head.next", "fields.low", "'a'", "1 == 2"]  # fmt: skip


def test_types_as_gdb_writes_them(program: Path, tmp_path: Path) -> None:
    differing: dict[str, tuple[str, str]] = {}

    def compare(stopped: InspectedThread, kernel: Kernel) -> None:
        core = core_of(stopped, tmp_path)
        commands = [f"ptype {text}" for text in TYPES] + [f"whatis {text}" for text in WHATIS]
        theirs = gdb(program, core, ["frame 1", *commands])[1:]
        scope = stopped.scope(1)
        kinds = [scope.type_named(text) for text in TYPES]
        ours = ["\n".join(describe(kind)) for kind in kinds if kind is not None]
        ours += [spell(Evaluator(scope).evaluate(text).type) for text in WHATIS]
        for command, mine, other in zip(commands, ours, theirs, strict=True):
            if f"type = {mine}" != other.strip():
                differing[command] = (mine, other)

    run(program, compare)
    assert differing == {}


def test_registers_and_layout(program: Path) -> None:
    def check(stopped: InspectedThread, kernel: Kernel) -> None:
        assert Evaluator(stopped.scope(1)).evaluate("per_thread").integer() == 78
        values = read(stopped.thread)
        assert (values["a7"], values["sp"]) == (173, stopped.frames[0].registers[2])
        assert values["fcsr"] == 0 or fields("riscv64", "fcsr", values["fcsr"])
        kind = stopped.scope(1).type_named("struct node")
        assert kind is not None
        lines = describe(kind, offsets=True)
        assert "    struct node *next; /* 8, 8 */" in lines
        assert "    /* hole: 3 bytes */" in lines
        assert lines[-1] == "} /* 32 bytes */"

    run(program, check)


def test_registers_of_the_innermost_frame_can_be_set(program: Path) -> None:
    def change(stopped: InspectedThread, kernel: Kernel) -> None:
        thread = stopped.inspector.thread(stopped.thread, stopped.thread.mm.write)
        evaluator = Evaluator(thread.scope(0))
        old = evaluator.evaluate("$s5").integer()
        for text in ("$s5 = 0x1234", "$fs3 = 2.5"):
            evaluator.evaluate(text)
        again = stopped.inspector.thread(stopped.thread)
        assert Evaluator(again.scope(0)).evaluate("$s5").integer() == 0x1234
        assert Evaluator(again.scope(0)).evaluate("$fs3").number() == 2.5
        evaluator.evaluate(f"$s5 = {old}")
        assert printed(Evaluator(again.scope(0)), again, "$s5 = 1").endswith("cannot be changed")
        evaluator = Evaluator(thread.scope(1))
        evaluator.evaluate("global_counter = 5, head.next->colour = RED")
        assert evaluator.evaluate("global_counter + tail.colour").integer() == 5

    run(program, change)


@pytest.mark.parametrize("flags", [["-O0", "-fPIE", "-pie"], ["-O1", "-fPIE", "-pie"]])
def test_a_program_away_from_its_addresses(flags: list[str]) -> None:
    def check(stopped: InspectedThread, kernel: Kernel) -> None:
        module, _vdso = stopped.modules()
        evaluator = Evaluator(stopped.scope(1))
        assert module.bias > 0x10000
        assert evaluator.evaluate("per_thread").integer() == 78
        assert evaluator.evaluate("global_counter").integer() == 3042
        assert printed(evaluator, stopped, "operations[0]").endswith("<add>")
        assert printed(evaluator, stopped, "&raw_word").endswith("<raw_word>")
        assert evaluator.condition("add == operations[0] && *(long *)&raw_word == 0x1122334455")

    run(compiled("types.c", *flags), check)


def test_what_is_wrong_is_said(program: Path) -> None:
    def check(stopped: InspectedThread, kernel: Kernel) -> None:
        evaluator = Evaluator(stopped.scope(1))
        for text, message in WRONG:
            answer = printed(evaluator, stopped, text)
            assert answer.startswith("error: "), (text, answer)
            assert re.search(message, answer), (text, answer)
            assert "\n" not in answer

    run(program, check)
