"""How often the entries of a policy have matched, as the record tells it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from gatetrail.words import GateName


@dataclass(frozen=True, slots=True)
class Matches:
    """Of one entry; `count` is at least 1."""

    count: int
    last_at: str
    """RFC 3339 in UTC."""


class RuleUsage(Protocol):
    """Counts by the id of the entry."""

    async def denied(self, gate: GateName, since: str) -> Mapping[str, Matches]:
        """What the entries of a gate have denied at or after a moment, RFC 3339. Raises `DatabaseUnavailable`."""
        ...

    async def shadowed(self, gate: GateName, since: str) -> Mapping[str, Matches]:
        """What they would have denied while they were only tried; reads all decisions since then.

        Raises `DatabaseUnavailable`.
        """
        ...
