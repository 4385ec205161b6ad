"""Time that stands still until it is moved."""

from __future__ import annotations


class ManualClock:
    """A clock that moves only when it is told to. Starts at 2026-01-01T00:00:00Z."""

    def __init__(self, now_us: int = 1_767_225_600_000_000) -> None:
        self._now_us = now_us
        self._monotonic_us = 0

    def now_us(self) -> int:
        return self._now_us

    def monotonic_s(self) -> float:
        return self._monotonic_us / 1_000_000

    def advance(self, seconds: float) -> None:
        """Move both clocks forward."""
        moved_us = round(seconds * 1_000_000)
        self._now_us += moved_us
        self._monotonic_us += moved_us
