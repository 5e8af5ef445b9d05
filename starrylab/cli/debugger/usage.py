"""How each of the debugger's commands is used: what ``help`` prints."""

from __future__ import annotations

from typing import Final

#: command -> (its form, what it does)
USAGE: Final[dict[str, tuple[str, str]]] = {
    "advance": ("advance LOCATION", "run up to a place, or until this frame returns"),
    "awatch": ("awatch EXPR", "stop when it is read or written"),
    "backtrace": (
        "backtrace [full] [N]",
        "the one stack: kernel, system call, program; N: innermost N",
    ),
    "break": (
        "break [LOCATION] [thread N] [if COND]",
        "stop at a function, FILE:LINE, LINE or *ADDR",
    ),
    "catch": (
        "catch syscall|signal [NAME...] [if COND], catch fork|exec|clone|exit|throw|rethrow|catch",
        "stop at events",
    ),
    "clear": ("clear FUNCTION|FILE:LINE", "remove the breakpoints that were set with these words"),
    "commands": ("commands [N] ... end", "what to do whenever a breakpoint is met"),
    "condition": ("condition N [COND]", "stop only if COND; without it, always"),
    "continue": ("continue [N]", "go on; N: pass over the breakpoint stopped at N-1 times"),
    "delete": ("delete [N...]", "remove breakpoints; without numbers, all"),
    "detach": ("detach", "forget all breakpoints, and let the program run to its end"),
    "directory": ("directory [DIR...]", "look for source files there, too; none: forget them"),
    "disable": ("disable [N...]", "let breakpoints not count"),
    "disassemble": (
        "disassemble[/rse] [EXPR | START,END | START,+LEN]",
        "a function; r: bytes, s: source lines, e: explained",
    ),
    "down": ("down [N]", "select the frame that this one called"),
    "echo": ("echo TEXT", "print; \\n is a new line"),
    "enable": ("enable [N...]", "let breakpoints count (again)"),
    "finish": ("finish", "run until the selected frame returns"),
    "frame": ("frame [N]", "select and show a frame"),
    "handle": ("handle SIG... stop|nostop|print|noprint|pass|nopass...", "what signals do"),
    "help": ("help [COMMAND]", "this"),
    "ignore": ("ignore N COUNT", "pass over the next COUNT hits"),
    "info": (
        "info WHAT",
        (
            "breakpoints, threads, processes, registers, locals, args, maps, frame, signals, "
            "source, waits"
        ),
    ),
    "kill": ("kill [PID]", "end a process; the selected one"),
    "list": ("list [LOCATION|FIRST,LAST]", "source lines; again: the next ones"),
    "next": ("next [N]", "go to another source line, over functions"),
    "nexti": ("nexti [N]", "execute one instruction, over calls"),
    "print": (
        "print[/FORMAT] EXPR",
        "the value of an expression; FORMAT x, d, u, o, t, c, a, f, s, z",
    ),
    "ptype": ("ptype[/o] EXPR|TYPE", "the definition of a type; o: offsets, sizes and holes"),
    "quit": ("quit", "end the program and leave"),
    "run": ("run", "begin to run the program; implied by continue and the steps"),
    "rwatch": ("rwatch EXPR", "stop when it is read"),
    "set": (
        "set var EXPR",
        "evaluate an assignment; set scheduler-locking off|step|on; set detach-on-fork on|off",
    ),
    "signal": ("signal SIG", "go on with another signal; 0: with none"),
    "source": ("source FILE", "do the commands of a file"),
    "start": ("start", "run to the beginning of main"),
    "step": ("step [N]", "go to another source line, into functions"),
    "stepcall": (
        "stepcall",
        "go into the next system call, to the kernel's function that serves it",
    ),
    "stepi": ("stepi [N]", "execute one instruction"),
    "tbreak": ("tbreak [LOCATION] [thread N] [if COND]", "the same, once"),
    "thread": ("thread [N], thread apply all|N... COMMAND", "select a thread, by its id"),
    "type": ("type TEXT", "type into the program's terminal; \\n is Enter"),
    "until": (
        "until [LOCATION]",
        "as next, but never back in a loop; or up to a place in this frame",
    ),
    "up": ("up [N]", "select the caller's frame"),
    "watch": ("watch EXPR [if COND]", "stop when what an expression names is changed"),
    "whatis": ("whatis EXPR|TYPE", "the name of a type"),
    "x": ("x[/NFU] EXPR", "memory: count, format (x d u o t c a f s i), unit (b h w g)"),
}
