"""Four gates and a durable audit trail in front of every tool call of an AI agent."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from gatetrail.call import Call, Ids
    from gatetrail.errors import CallDenied, GatetrailError
    from gatetrail.identity.caller import Anonymous, Authenticated, Caller
    from gatetrail.identity.tiers import Tier
    from gatetrail.runtime import Gatetrail

__all__ = ["Anonymous", "Authenticated", "Call", "CallDenied", "Caller", "Gatetrail", "GatetrailError", "Ids", "Tier"]

_HOMES = {
    "Anonymous": "gatetrail.identity.caller",
    "Authenticated": "gatetrail.identity.caller",
    "Call": "gatetrail.call",
    "CallDenied": "gatetrail.errors",
    "Caller": "gatetrail.identity.caller",
    "Gatetrail": "gatetrail.runtime",
    "GatetrailError": "gatetrail.errors",
    "Ids": "gatetrail.call",
    "Tier": "gatetrail.identity.tiers",
}


def __getattr__(name: str) -> Any:
    """Import a public name when it is first asked for, so that the command line starts quickly."""
    if name not in _HOMES:
        raise AttributeError(f"module 'gatetrail' has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(_HOMES[name]), name)
