"""Who calls, from where, and with what."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from gatetrail.identity.tiers import CallerType, Tier


@dataclass(frozen=True, slots=True)
class Who:
    """A caller, as the token says it and as the wire shows it."""

    user: str
    tier: Tier = Tier.USER
    session: str | None = None
    """None: one that comes from the token."""
    client: str | None = "desk"
    ip: str = "192.0.2.10"
    agent: str = "desk/2.4"
    department: str | None = None
    scopes: tuple[str, ...] = ()
    roles: tuple[str, ...] = ()
    caller_type: CallerType | None = None
    """None: as the tier says."""

    def by(self, **changes: Any) -> Who:
        """The same one, but for this."""
        return replace(self, **changes)


def user(name: str, **more: Any) -> Who:
    """A person."""
    return Who(name, **more)


def admin(name: str, **more: Any) -> Who:
    """A person who may do everything."""
    return Who(name, Tier.ADMIN, **more)


def service(name: str, **more: Any) -> Who:
    """A program of the house."""
    return Who(name, Tier.SERVICE, client="cron", agent="cron/1.0").by(**more)


def agent(name: str, **more: Any) -> Who:
    """A program that nobody vouches for: tier `mcp`."""
    return Who(name, Tier.MCP, client="runner", agent="runner/0.9").by(**more)
