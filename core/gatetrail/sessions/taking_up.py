"""How the layers around a request decide whether this process takes up a session with it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

TAKING_UP_KEY = "gatetrail.taking_up"
"""Where an ASGI scope has its `TakingUp`, if anybody has a say in it."""


@dataclass(slots=True)
class TakingUp:
    """Put there by who knows of other processes; asked once it is clear that the session is the caller's.

    Where the answer is no, the request is left without an answer: who has said no sees to it.
    """

    claim: Callable[[], bool]
    """False: another process goes on with the session."""
    lost: bool = False

    def may(self) -> bool:
        """Whether the session may be taken up here; from then on it is this process's."""
        self.lost = not self.claim()
        return not self.lost
