"""The six tiers of callers, as one enum with numeric levels."""

from __future__ import annotations

from enum import StrEnum


class Tier(StrEnum):
    """How much a caller may do. A higher level satisfies every lower one; equal satisfies equal.

    The line alone would let every `user` pass for a `service`, so requirements also name scopes.
    """

    ADMIN = "admin"
    USER = "user"
    SERVICE = "service"
    A2A = "a2a"
    MCP = "mcp"
    ANONYMOUS = "anonymous"

    @property
    def level(self) -> int:
        """10 for anonymous up to 100 for admin."""
        return LEVELS[self]

    def satisfies(self, required: Tier) -> bool:
        """True when this tier is at or above the required one."""
        return LEVELS[self] >= LEVELS[required]


LEVELS: dict[Tier, int] = {
    Tier.ADMIN: 100,
    Tier.USER: 50,
    Tier.SERVICE: 40,
    Tier.A2A: 30,
    Tier.MCP: 20,
    Tier.ANONYMOUS: 10,
}
"""The numeric level of each tier."""


def lowest(first: Tier, *others: Tier) -> Tier:
    """The tier with the smallest level: how a token, its sessions and its user are combined."""
    return min((first, *others), key=LEVELS.__getitem__)


class CallerType(StrEnum):
    """What kind of party is behind a call. Told by the claim, else derived from the token's tier."""

    ADMIN = "admin"
    USER = "user"
    SERVICE = "service"
    A2A = "a2a"
    MCP = "mcp"
    ANONYMOUS = "anonymous"
