"""How an upstream is doing."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Phase(StrEnum):
    """What is done about an upstream now."""

    STARTING = "starting"
    """It is being started or connected to."""
    UP = "up"
    WAITING = "waiting"
    """It could not be started, or has ended; the next try comes after a pause."""
    ENDED = "ended"
    """Nobody tries: the service has not begun, or it ends."""


@dataclass(frozen=True, slots=True)
class UpstreamState:
    """What `/readyz` and `/metrics` tell of one upstream."""

    name: str
    phase: Phase
    restarts: int
    """Tries since the service began, without the first."""
    since: str
    """When the phase began (RFC 3339)."""
    reason: str | None
    """Why it is not up, in our own words, which anybody may read. None once it has come up again."""
    last_error: str | None
    """The same with details for those who run the service, such as the last words of a program; no credentials."""
