"""What was given to somebody for as long as his proof holds."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

LOOK_S = 1.0
"""A proof that holds no longer is relied on for so long at most."""

Holds = Callable[[], bool]
"""Whether a proof would be taken again now: it was not revoked, has not expired, and the policy still believes it.

Answers at once, from memory.
"""


class Lease:
    """Asks every second, from when it is made, and calls `over` once when the answer is no. Of one event loop."""

    __slots__ = ("_holds", "_over", "_timer")

    def __init__(self, holds: Holds, over: Callable[[], None]) -> None:
        self._holds = holds
        self._over = over
        self._timer = self._later()

    def end(self) -> None:
        """Ask no more."""
        self._timer.cancel()

    def _later(self) -> asyncio.TimerHandle:
        return asyncio.get_running_loop().call_later(LOOK_S, self._look)

    def _look(self) -> None:
        good = False
        try:
            good = self._holds()
        finally:
            if good:
                self._timer = self._later()
            else:
                self._over()
