"""What gates answer, and what their answers add up to."""

from __future__ import annotations

from dataclasses import dataclass

from gatetrail.identity.tiers import Tier
from gatetrail.words import GateName, GateOutcome, ReasonCode

__all__ = [
    "PASS",
    "Decision",
    "Deny",
    "GateName",
    "GateOutcome",
    "GateResult",
    "Pass",
    "ReasonCode",
    "Verdict",
]


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
    """Whole milliseconds after which this is no longer in the way, rounded up; of the rate gate and a lock-out."""
    before_scope: bool = False
    """True: said without regard to whether what is asked for exists, and so without telling."""


GateResult = Pass | Deny
PASS = Pass()


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a shadow would have said instead. Only ever recorded: no caller is told, nothing follows from it."""

    gate: GateName
    """`none`: it would have been allowed."""
    reason_code: ReasonCode
    reason: str
    rule_id: str | None = None
    policy_version: str | None = None
    """Of the policy that is tried; None for an entry of the policy in force that is marked `shadow`."""


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
    shadow: Verdict | None = None
    """What a shadow would have said; None when it would have said the same, or when there is none."""
