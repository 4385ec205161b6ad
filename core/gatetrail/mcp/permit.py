"""The permit check beneath the handlers: nothing runs that was not decided under its own name.

A decision leaves a permit for exactly one thing, good for one use, in a context variable. Where the
thing itself starts, the permit is taken. Whoever gets there without one (a rewritten name, a call from
Python, a tool that calls another) has a decision of its own made first.
"""

from __future__ import annotations

from contextvars import ContextVar
from dataclasses import dataclass, field

from gatetrail.call import Call, Kind
from gatetrail.identity.caller import Caller


@dataclass(slots=True)
class Permit:
    """One decision's leave to run one thing once. Copies of the context share it, so it cannot be used twice."""

    owner: object
    """The installation that decided; another server's permits mean nothing here."""
    kind: Kind
    name: str
    used: bool = field(default=False)

    def fits(self, owner: object, kind: Kind, name: str) -> bool:
        """True while it can still be used for this."""
        return not self.used and self.owner is owner and self.kind is kind and self.name == name


@dataclass(frozen=True, slots=True)
class Flight:
    """A call whose handler is running now."""

    call: Call
    caller: Caller
    permit: Permit


CALLER: ContextVar[Caller | None] = ContextVar("gatetrail_caller", default=None)
"""Who sent the request that is being served; None outside of any."""

FLIGHT: ContextVar[Flight | None] = ContextVar("gatetrail_flight", default=None)
"""The innermost call that is running; None outside of any."""


def has_permit(owner: object, kind: Kind, name: str) -> bool:
    """True when a permit for this is waiting to be taken."""
    flight = FLIGHT.get()
    return flight is not None and flight.permit.fits(owner, kind, name)


def take_permit(owner: object, kind: Kind, name: str) -> bool:
    """Use up the permit for this; False when there is none."""
    flight = FLIGHT.get()
    if flight is None or not flight.permit.fits(owner, kind, name):
        return False
    flight.permit.used = True
    return True
