"""Fixtures that any test may ask for: Debian trees and qemu-user, prepared once a machine."""

from __future__ import annotations

pytest_plugins = ["tests.oracle.fixtures"]
