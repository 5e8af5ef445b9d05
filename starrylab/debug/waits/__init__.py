"""Why is it stuck: what every thread waits for, who could wake it, and the deadlocks."""

from __future__ import annotations

from .graph import look
from .model import Deadlock, Need, Wait, Waits
from .text import report

__all__ = ["Deadlock", "Need", "Wait", "Waits", "look", "report"]
