"""Compilers and the tools around them."""

from __future__ import annotations

from tests.debian.labs import Batch

_PROJECT = r"""
mkdir -p calc && cd calc
cat >Makefile <<'END'
CFLAGS = -O1 -Wall -Werror
OBJECTS = main.o parse.o stack.o
calc: $(OBJECTS) ; $(CC) -o $@ $^
$(OBJECTS): stack.h
clean: ; rm -f calc *.o
END
cat >stack.h <<'END'
void push(long n);
long pop(void);
long parse(const char *text);
END
cat >stack.c <<'END'
#include "stack.h"
static long values[16];
static int top;
void push(long n) { values[top++] = n; }
long pop(void) { return values[--top]; }
END
cat >parse.c <<'END'
#include "stack.h"
#include <stdlib.h>
#include <string.h>
long parse(const char *text)
{
    char *copy = strdup(text), *save = NULL;
    for (char *w = strtok_r(copy, " ", &save); w; w = strtok_r(NULL, " ", &save)) {
        if (strchr("+*", *w)) {
            long a = pop(), b = pop();
            push(*w == '+' ? a + b : a * b);
        } else
            push(strtol(w, NULL, 10));
    }
    free(copy);
    return pop();
}
END
cat >main.c <<'END'
#include "stack.h"
#include <stdio.h>
int main(int argc, char **argv)
{
    for (int i = 1; i < argc; i++)
        printf("%s = %ld\n", argv[i], parse(argv[i]));
}
END
"""


def test_make_builds_a_project_of_several_files(batch: Batch) -> None:
    shown = batch.prints(_PROJECT + "make -j2 2>&1 | sort && ./calc '2 3 +' '4 5 6 + *'")
    *commands, first, second = shown.splitlines()
    assert [line.split()[-1] for line in commands] == ["main.c", "parse.c", "stack.c", "stack.o"]
    assert (first, second) == ("2 3 + = 5", "4 5 6 + * = 44")


def test_make_builds_again_only_what_changed(batch: Batch) -> None:
    shown = batch.prints(
        _PROJECT.replace("calc &&", "again &&").replace("mkdir -p calc", "mkdir -p again")
        + "make >/dev/null; make; sleep 0.01; touch stack.c; make"
    )
    assert shown.splitlines() == [
        "make: 'calc' is up to date.",
        "cc -O1 -Wall -Werror   -c -o stack.o stack.c",
        "cc -o calc main.o parse.o stack.o",
    ]
