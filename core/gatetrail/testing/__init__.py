"""Twins in memory for tests: journal, cursors, sessions, nonces, and a clock that nobody has to wait for."""

from gatetrail.testing.clock import ManualClock
from gatetrail.testing.cursors import MemoryCursors
from gatetrail.testing.journal import MemoryJournal
from gatetrail.testing.nonces import MemoryNonces
from gatetrail.testing.sessions import MemorySessions

__all__ = ["ManualClock", "MemoryCursors", "MemoryJournal", "MemoryNonces", "MemorySessions"]
