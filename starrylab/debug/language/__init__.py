"""Expressions over the variables of a stopped program, in C's notation as gdb takes it.

::

    head->next->name        *argv@argc        numbers[2] + 1       (struct point *)$a0
    counter = 7             name == "root"    &table[1][2]         sizeof(struct node)
"""

from __future__ import annotations

from .errors import ExpressionError
from .evaluate import Evaluator, Scope
from .examine import examine
from .parser import parse

__all__ = ["Evaluator", "ExpressionError", "Scope", "examine", "parse"]
