"""What the script expects of a call, and what that alone makes of its decision."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from gatetrail.words import GateName, ReasonCode


@dataclass(frozen=True, slots=True)
class Allowed:
    """All gates pass."""

    gate: GateName = GateName.NONE
    reason: ReasonCode = ReasonCode.ALLOWED


@dataclass(frozen=True, slots=True)
class Denied:
    """One gate says no."""

    gate: GateName
    reason: ReasonCode


Expectation = Allowed | Denied

ALLOWED = Allowed()
TIER = Denied(GateName.SCOPE, ReasonCode.TIER_TOO_LOW)
SESSION_TIER = Denied(GateName.SCOPE, ReasonCode.SESSION_TIER_TOO_LOW)
SCOPE = Denied(GateName.SCOPE, ReasonCode.SCOPE_MISSING)
UNKNOWN_TOOL = Denied(GateName.SCOPE, ReasonCode.UNKNOWN_TOOL)
SCANNER = Denied(GateName.SCANNER, ReasonCode.SCANNER_AGENT)
PROBE = Denied(GateName.SCANNER, ReasonCode.PROBE_ARGUMENT)
BLOCKED = Denied(GateName.BLOCKLIST, ReasonCode.BLOCKED)
RATE = Denied(GateName.RATE_LIMIT, ReasonCode.RATE_EXCEEDED)
HOOK = Denied(GateName.HOOK, ReasonCode.HOOK_FAILED)
AUDIT = Denied(GateName.AUDIT, ReasonCode.AUDIT_UNAVAILABLE)
OTHER_DEPARTMENT = Denied(GateName.SCOPE, ReasonCode.IDENTITY_REFUSED)
FOREIGN = Denied(GateName.SCOPE, ReasonCode.SESSION_OF_ANOTHER_USER)


def keeps(expected: Expectation, event: Mapping[str, Any]) -> bool:
    """Whether the product decided so."""
    decision = "allow" if isinstance(expected, Allowed) else "deny"
    found = event["decision"], event["gate"], event["reason_code"]
    return found == (decision, expected.gate.value, expected.reason.value)


def broad_rules(expected: Expectation) -> tuple[str, ...]:
    """The rules that find the decision for itself alone, whatever was before it."""
    if isinstance(expected, Allowed):
        return ()
    rules = ["call_denied"]
    rules += ["rate_limited"] if expected.gate is GateName.RATE_LIMIT else []
    rules += ["scanner_probe"] if expected.gate is GateName.SCANNER else []
    rules += ["tier_too_low"] if expected.reason in {TIER.reason, SESSION_TIER.reason} else []
    rules += ["session_of_another_user"] if expected.reason is FOREIGN.reason else []
    rules += ["audit_trouble"] if expected.gate is GateName.AUDIT else []
    return tuple(rules)
