"""What gates answer, and what their answers add up to."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from gatetrail.identity.tiers import Tier


class GateName(StrEnum):
    """Who denied. The first four run in this order; `none` means that nobody did."""

    SCOPE = "scope"
    SCANNER = "scanner"
    BLOCKLIST = "blocklist"
    RATE_LIMIT = "rate_limit"
    HOOK = "hook"
    AUDIT = "audit"
    NONE = "none"


class ReasonCode(StrEnum):
    """Why, as one word of a closed list."""

    ALLOWED = "allowed"
    TIER_TOO_LOW = "tier_too_low"
    SESSION_TIER_TOO_LOW = "session_tier_too_low"
    """The token alone would do, the session that it came in on was opened with less."""
    SCOPE_MISSING = "scope_missing"
    AUDIENCE_WRONG = "audience_wrong"
    DEPARTMENT_WRONG = "department_wrong"
    UNKNOWN_SERVER = "unknown_server"
    UNKNOWN_TOOL = "unknown_tool"
    METHOD_NOT_ALLOWED = "method_not_allowed"
    IDENTITY_REFUSED = "identity_refused"
    SESSION_OF_ANOTHER_USER = "session_of_another_user"
    PROBE_PATH = "probe_path"
    SCANNER_AGENT = "scanner_agent"
    BURST = "burst"
    BLOCKED = "blocked"
    RATE_EXCEEDED = "rate_exceeded"
    HOOK_DENIED = "hook_denied"
    AUDIT_UNAVAILABLE = "audit_unavailable"


class GateOutcome(StrEnum):
    """What one gate did in one decision."""

    PASS = "pass"
    DENY = "deny"
    SKIPPED = "skipped"
    """An earlier gate had denied already."""


@dataclass(frozen=True, slots=True)
class Pass:
    """The gate has nothing against the call."""


@dataclass(frozen=True, slots=True)
class Deny:
    """The gate says no, and why."""

    reason_code: ReasonCode
    reason: str
    """A sentence for people. Holds no argument values and no secrets."""
    rule_id: str | None = None
    """Which entry of the policy matched, for example the id of a blocklist entry."""
    retry_after_ms: int | None = None
    """Whole milliseconds after which the same call would pass, rounded up; only from the rate gate."""


GateResult = Pass | Deny
PASS = Pass()


@dataclass(frozen=True, slots=True)
class Decision:
    """The whole answer. There is no middle state: allowed, or denied by exactly one gate."""

    allowed: bool
    gate: GateName
    reason_code: ReasonCode
    reason: str
    scope: GateOutcome
    scanner: GateOutcome
    blocklist: GateOutcome
    rate_limit: GateOutcome
    policy_version: str
    required_tier: Tier | None
    """None when the server or method is unknown, so that there is nothing to require."""
    actual_tier: Tier
    rate_limit_tier: Tier
    decision_us: int
    """What the four gates took, in whole microseconds."""
    time_limit_ms: int
    """The handler's limit, resolved from tool, server and default."""
    endpoint: str
    data_domains: tuple[str, ...] = ()
    rule_id: str | None = None
    retry_after_ms: int | None = None
    concealed: bool = False
    """True when the answer must be that of a tool that does not exist."""
