"""Who takes part: a caller, what proves it, and what it asks for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from itertools import chain, cycle, islice
from typing import Any

from gatetrail.identity.tiers import Tier


class Era(StrEnum):
    """How a client speaks; the values are what the SDK calls them."""

    HANDSHAKE = "legacy"
    """`initialize` and a session, as before 2026-07-28."""
    NEGOTIATED = "auto"
    """Asks the server first; with ours that leads to 2026-07-28, without sessions."""
    STRAIGHT = "2026-07-28"
    """The same, without asking."""


@dataclass(frozen=True, slots=True)
class Ask:
    """One tool call."""

    server_name: str
    tool_name: str
    arguments: Mapping[str, Any] = field(default_factory=dict[str, Any])


@dataclass(frozen=True, slots=True)
class Proof:
    """What a token is minted from."""

    user_id: str
    tier: Tier
    department: str | None = None
    scopes: tuple[str, ...] = ()
    roles: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Party:
    """One caller. `name` is what its client calls itself."""

    name: str
    share: int
    """Of every `plan.SMALLEST` calls; all shares add up to that number."""
    proof: Proof | None
    """None: it presents nothing."""
    highlights: tuple[Ask, ...]
    """Asked once each, first; not more than its share."""
    routine: tuple[Ask, ...]
    """Asked over and over afterwards."""
    era: Era = Era.NEGOTIATED
    user_agent: str | None = None
    later_proof: Proof | None = None
    """Presented in the same session from the second call on."""
    all_at_once: bool = False
    """Does not wait for answers, nor for as long as a denial tells it to."""

    def asks(self, count: int) -> Sequence[Ask]:
        """Its first `count` calls, in order."""
        return list(islice(chain(self.highlights, cycle(self.routine)), count))
