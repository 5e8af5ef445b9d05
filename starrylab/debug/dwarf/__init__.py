"""Types, locations and values: what DWARF says about the data of a program.

From an entry to text::

    entry -> builder -> Type
    entry -> module -> Location (expression, loclists)
    Value(Type, Location, frame, owner) -> format -> text, tree -> lines of a screen

| module | what it does |
|---|---|
| `types`, `builder`, `spelling`, `describe` | types; how they are made, named, and shown in full |
| `expression`, `operations`, `operands`, `opcodes` | DWARF expressions, bounded and never fatal |
| `locations`, `places`, `loclists` | where values are; reading and writing there, to the bit |
| `frame`, `environment`, `tls` | what a frame offers to expressions; values at its entry |
| `functions`, `variables`, `names`, `scopes`, `linker` | what an address can see; names |
| `module` | one file in one process: the owner of values |
| `values`, `shapes`, `format`, `scalars`, `text`, `tree`, `pretty` | values, their parts, as text |

`debug.inspect` applies all of it to a thread of a kernel; `debug.language` is the command
``print``.  Errors are those of `errors.PROBLEMS`, one line each.
"""
