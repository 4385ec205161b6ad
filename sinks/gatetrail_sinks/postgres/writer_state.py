"""How the journal's writer is doing: what waits, and what goes wrong since its last commit."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class WriterState:
    """One look at the writer."""

    waiting_count: int
    """Events that wait for their commit; those of the commit that is under way count."""
    trouble: str | None
    """Why nothing is committed, in a word or two; None when the last try was a success, or nothing was tried yet."""
    failing_for_s: float
    """How long ago the first failure since the last commit was; 0 when there was none."""


class Trouble:
    """What goes wrong since the last commit. For one event loop."""

    def __init__(self) -> None:
        self._reason: str | None = None
        self._since_s = 0.0

    def begin(self, problem: Exception | str) -> None:
        """A commit did not come about. Of an exception only its class is kept: its text may name hosts and users.

        A text, which says only that time went by, goes over no exception.
        """
        if self._reason is None:
            self._since_s = asyncio.get_running_loop().time()
        if isinstance(problem, Exception):
            self._reason = type(problem.__cause__ or problem).__name__
        elif self._reason is None:
            self._reason = problem

    def end(self) -> None:
        """Something was committed."""
        self._reason = None

    def seen_with(self, waiting_count: int) -> WriterState:
        """The writer's state, with so many events that wait."""
        failing_for_s = asyncio.get_running_loop().time() - self._since_s if self._reason else 0.0
        return WriterState(waiting_count, self._reason, failing_for_s)
