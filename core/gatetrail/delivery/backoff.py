"""How long to wait before the next try."""

from __future__ import annotations

from collections.abc import Callable


class Backoff:
    """Waits that double from try to try up to a limit, each shortened at random by up to a half.

    `jitter` gives numbers from 0 up to 1; it keeps many clients of one dead server from coming back in step.
    """

    def __init__(self, initial_ms: int, max_ms: int, jitter: Callable[[], float]) -> None:
        self._initial_s = initial_ms / 1000
        self._max_s = max_ms / 1000
        self._jitter = jitter
        self._next_s = self._initial_s

    def next_s(self) -> float:
        """Seconds to wait now; the next answer is longer."""
        full_s = min(self._next_s, self._max_s)
        self._next_s = min(full_s * 2, self._max_s)
        return full_s * (1 - self._jitter() / 2)

    def reset(self) -> None:
        """Something has worked: begin with the shortest wait again."""
        self._next_s = self._initial_s
