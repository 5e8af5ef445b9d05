"""A set of rules in the making, as a file (landlock_create_ruleset(2))."""

from __future__ import annotations

from ...abi.errno import EINVAL
from ...abi.fcntl import O_RDWR
from ..vfs.landlock import Ruleset
from .file import File


class RulesetFile(File):
    """Rules that are added by a descriptor; it can be neither read nor written."""

    __slots__ = ("rules",)

    kind = "landlock-ruleset"

    def __init__(self, rules: Ruleset) -> None:
        super().__init__(O_RDWR)
        self.rules = rules

    def read(self, size: int) -> bytes:
        """Refuse."""
        raise EINVAL

    def write(self, data: bytes) -> int:
        """Refuse."""
        raise EINVAL
