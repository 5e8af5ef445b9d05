"""Landlock: a process gives up all files but those it names (landlock(7), Linux 5.13 and later).

The rights are by folder and never come back, whatever the code in the process does.
"""

from __future__ import annotations

import ctypes
import os
import struct
from pathlib import Path
from typing import Final

from .places import Places

_CREATE_RULESET, _ADD_RULE, _RESTRICT_SELF = 444, 445, 446  # the same on every architecture
_VERSION: Final = 1  #: LANDLOCK_CREATE_RULESET_VERSION
_PATH_BENEATH: Final = 1
_PR_SET_NO_NEW_PRIVS: Final = 38

_EXECUTE, _WRITE_FILE, _READ_FILE, _READ_DIR = 1, 2, 4, 8
#: number of rights that a kernel knows, by the version of its interface
_RIGHTS: Final = {1: 13, 2: 14, 3: 15, 4: 15}
_NEWEST: Final = 16
_READ: Final = _READ_FILE | _READ_DIR | _EXECUTE
_OF_FILES: Final = _EXECUTE | _WRITE_FILE | _READ_FILE | 1 << 14 | 1 << 15


def available() -> bool:
    """Tell whether this kernel has Landlock, and it is on."""
    return _version() > 0


def restrict(places: Places) -> bool:
    """Give up every file but those; return whether the kernel does it."""
    version = _version()
    if version <= 0:
        return False
    libc = ctypes.CDLL(None, use_errno=True)
    every = (1 << _RIGHTS.get(version, _NEWEST)) - 1
    attributes = struct.pack("<Q", every)
    ruleset = libc.syscall(_CREATE_RULESET, attributes, ctypes.c_size_t(len(attributes)), 0)
    if ruleset < 0:
        return False
    try:
        for paths, rights in (
            (places.readable, _READ),
            (places.listable, _READ_DIR),
            (places.writable, every),
        ):
            for path in paths:
                _allow(libc, ruleset, path, rights & every)
        libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
        return int(libc.syscall(_RESTRICT_SELF, ruleset, 0)) == 0
    finally:
        os.close(ruleset)


def _allow(libc: ctypes.CDLL, ruleset: int, path: Path, rights: int) -> None:
    try:
        place = os.open(path, os.O_PATH | os.O_CLOEXEC)
    except OSError:
        return  # what is not there needs no right
    try:
        if not path.is_dir():
            rights &= _OF_FILES
        rule = struct.pack("<Qi", rights, place)
        libc.syscall(_ADD_RULE, ruleset, _PATH_BENEATH, rule, 0)
    finally:
        os.close(place)


def _version() -> int:
    try:
        libc = ctypes.CDLL(None, use_errno=True)
        return int(libc.syscall(_CREATE_RULESET, None, ctypes.c_size_t(0), _VERSION))
    except (OSError, AttributeError):
        return 0
