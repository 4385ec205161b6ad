"""How the layers around a request learn that this process has taken up a session with it."""

from __future__ import annotations

from dataclasses import dataclass

TAKING_UP_KEY = "gatetrail.taking_up"
"""Where an ASGI scope has its `TakingUp`, if anybody wants to know."""


@dataclass(slots=True)
class TakingUp:
    """Put there by who wants to know; `session_id` is set once a session has been resumed, before the answer leaves."""

    session_id: str | None = None
