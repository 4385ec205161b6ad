"""What a moment is about: what hooks are chosen by, and what they are told."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from gatetrail.call import Kind
from gatetrail.policy.hooks import HookDecision
from gatetrail.words import GateName


@dataclass(frozen=True, slots=True)
class Facts:
    """One moment. Names as they came choose the hooks; only `keys` leave the process."""

    keys: Mapping[str, Any]
    """Of the event that was recorded of it, by their names in Python: redacted already. `event_id`, `timestamp`."""
    user: str | None = None
    """The proven user id; None: nobody is proven."""
    server: str | None = None
    tool: str | None = None
    """None: the moment is about no tool."""
    kind: Kind = Kind.TOOL
    """What `tool` names."""
    decision: HookDecision = HookDecision.ALLOW
    gate: GateName = GateName.NONE
    """Who denied."""
