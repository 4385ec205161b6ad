"""Decides recorded calls again, in their order and by their own clock, and compares."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import assert_never

from gatetrail.gates.decision import Decision
from gatetrail.gates.party import address_party
from gatetrail.gates.pipeline import Gates, GateState
from gatetrail.identity.caller import Authenticated
from gatetrail.policy.model import Policy
from gatetrail.policy.scanner import Burst
from gatetrail.policy.shadow import enforced
from gatetrail.simulation.doubts import Doubt, Doubts
from gatetrail.simulation.levels import Levels
from gatetrail.simulation.limits import looser_burst, not_lower, same_burst
from gatetrail.simulation.recorded import PROOFS, Recorded
from gatetrail.words import GateName, GateOutcome, ReasonCode

COUNTED = frozenset({ReasonCode.BURST, ReasonCode.ENUMERATION, ReasonCode.LOCKED_OUT})
"""Denials by the scanner for what came before."""

MAX_PARTIES = 100_000

_TIERS = frozenset({ReasonCode.TIER_TOO_LOW, ReasonCode.SESSION_TIER_TOO_LOW})
"""Which of the two it is depends on the token's own tier, of which the record has a part only."""


class Change(StrEnum):
    """What another policy makes of a recorded decision."""

    NEWLY_DENIED = "newly_denied"
    NEWLY_ALLOWED = "newly_allowed"
    OTHER_REASON = "other_reason"
    """Denied in both cases, by another gate or for another reason."""
    UNCHANGED = "unchanged"
    CANNOT_BE_TOLD = "cannot_be_told"


@dataclass(frozen=True, slots=True)
class Outcome:
    """One recorded decision under the other policy."""

    change: Change
    gate: str
    """That of the other policy; the recorded one where it is the same, or cannot be told."""
    reason_code: str
    reason: str
    rule_id: str | None = None
    doubt: Doubt | None = None


class Simulator:
    """One policy, asked about recorded decisions one after the other, in the order of the record.

    Rates and bursts count the recorded calls by their recorded times, in buckets that are full at the beginning and
    hold for all processes together. What the very same policy has said stands: nothing else knows as much.
    """

    def __init__(self, policy: Policy) -> None:
        document = enforced(policy.document)
        self._version = policy.version
        self._scanner = document.scanner
        self._gates = Gates(policy.model_copy(update={"document": document}), GateState())
        """They see each call with all that the record does not exclude."""
        self._strict_gates = Gates(policy.model_copy(update={"document": document}), GateState())
        """They see it with no more than the record shows. What both say is so whatever is missing."""
        self._doubts = Doubts(document)
        self._levels = Levels()
        self._differing: OrderedDict[str, None] = OrderedDict()
        """Who had a call that would not have been the same."""
        self._began_us: int | None = None

    def outcome(self, one: Recorded) -> Outcome:
        """What the policy would have said of one recorded decision."""
        decision = self._gates.decide(*self._doubts.most(one), one.moment_us, self._at_s(one))
        strict = self._strict_gates.decide(*self._doubts.least(one), one.moment_us, self._at_s(one))
        if self._doubts.about_scanner(one) is not None:
            self._strict_gates.scanner.detected(one.caller, one.call.origin.source_ip, self._at_s(one))
        outcome = _same(one) if one.policy_version == self._version else self._compared(one, decision, strict)
        self._note(one, decision, outcome)
        return outcome

    def _at_s(self, one: Recorded) -> float:
        """Seconds since the first decision: those since 1970 are too long a number for floats to count microseconds."""
        if self._began_us is None:
            self._began_us = one.moment_us
        return (one.moment_us - self._began_us) / 1_000_000

    def _compared(self, one: Recorded, decision: Decision, strict: Decision) -> Outcome:
        doubt = self._doubt(one, decision)
        if doubt is None and _verdict(decision) != _verdict(strict):
            doubt = Doubt.NEAR
        if doubt is not None:
            return replace(_same(one), change=Change.CANNOT_BE_TOLD, doubt=doubt)
        if decision.allowed and self._stands(one):
            return _same(one)
        change = _change(one, decision)
        if change is Change.UNCHANGED or (strict.gate, strict.reason_code) == (one.gate, one.reason_code):
            return _same(one)
        return Outcome(change, decision.gate, decision.reason_code, decision.reason, decision.rule_id)

    def _stands(self, one: Recorded) -> bool:
        """Whether a recorded denial holds although nothing that is replayed says so."""
        if one.gate == GateName.AUDIT or one.reason_code == ReasonCode.RATE_STORE_AWAY:
            return True
        if one.gate == GateName.RATE_LIMIT:
            return self._limit_reason(one) == one.reason and not self._is_explained(one)
        return one.reason_code == ReasonCode.BURST and same_burst(one.reason, self._burst_for(one))

    def _doubt(self, one: Recorded, decision: Decision) -> Doubt | None:
        """Why it cannot be told; gates that have denied for sure are not doubted for what comes after them."""
        if (missing := self._doubts.about_scope(one)) is not None:
            return missing
        if decision.gate in {GateName.SCOPE, GateName.SCANNER}:
            return None
        if (missing := self._doubts.about_scanner(one)) is not None:
            return missing
        if decision.gate is GateName.BLOCKLIST:
            return None
        return self._doubts.about_blocklist(one) or self._about_counts(one, decision)

    def _about_counts(self, one: Recorded, decision: Decision) -> Doubt | None:
        if one.gate == GateName.HOOK and decision.allowed:
            return Doubt.HOOK
        if one.reason_code in COUNTED and not self._knows_burst(one):
            return Doubt.COUNTS
        if one.reason_code == ReasonCode.RATE_EXCEEDED and decision.allowed and not self._is_known_level(one):
            return Doubt.LEVEL
        takings, now_s = self._gates.takings(one.call, one.caller), self._at_s(one)
        if self._levels.are_known(takings, now_s):
            return None
        return None if decision.allowed and self._levels.surely_pass(takings, now_s) else Doubt.NEAR

    def _is_explained(self, one: Recorded) -> bool:
        """Whether the record shows all that has emptied a bucket: then the replay knows what is in it."""
        return self._levels.are_explained(self._gates.takings(one.call, one.caller), self._at_s(one))

    def _is_known_level(self, one: Recorded) -> bool:
        """Whether it is known what has become of a bucket that was empty: calls that are not recorded take as well."""
        other = self._limit_reason(one)
        if other != one.reason:
            return not_lower(one.reason, other)
        takings = self._gates.takings(one.call, one.caller)
        return self._is_explained(one) or self._levels.are_as_recorded(takings, self._at_s(one))

    def _knows_burst(self, one: Recorded) -> bool:
        """Whether it is known that a burst was none: requests that are not recorded count as well."""
        burst = self._burst_for(one)
        if one.reason_code != ReasonCode.BURST or not looser_burst(one.reason, burst):
            return False
        return not same_burst(one.reason, burst) or _party(one) not in self._differing

    def _differs(self, one: Recorded) -> None:
        self._differing[_party(one)] = None
        if len(self._differing) > MAX_PARTIES:
            self._differing.popitem(last=False)

    def _burst_for(self, one: Recorded) -> Burst:
        is_proven = isinstance(one.caller, Authenticated)
        return self._scanner.caller_burst if is_proven else self._scanner.anonymous_burst

    def _limit_reason(self, one: Recorded) -> str:
        """What this policy would say of a call that is one too many."""
        return self._gates.limit_reason(one.call, one.caller)

    def _note(self, one: Recorded, decision: Decision, outcome: Outcome) -> None:
        """Keep account of the buckets, and of where the replay has left what is true, or may have."""
        takings, now_s = self._gates.takings(one.call, one.caller), self._at_s(one)
        allowed = _is_allowed(one, decision, outcome)
        has_taken = one.keys["gate_rate_limit"] == GateOutcome.PASS
        self._levels.note(takings, now_s, has_taken=has_taken, would_take=allowed)
        if allowed is not decision.allowed:
            self._levels.doubt(takings, now_s)
        if outcome.change is not Change.UNCHANGED:
            self._differs(one)


def _verdict(decision: Decision) -> tuple[GateName, ReasonCode | None]:
    """Denials by scope are one: which of several lacks is told depends on what is missing in the record."""
    return decision.gate, None if decision.gate is GateName.SCOPE else decision.reason_code


def _party(one: Recorded) -> str:
    return one.caller.user_id if isinstance(one.caller, Authenticated) else address_party(one.call.origin.source_ip)


def _is_allowed(one: Recorded, decision: Decision, outcome: Outcome) -> bool | None:
    """Whether the four gates of this policy let the call pass; None when that cannot be told."""
    match outcome.change:
        case Change.CANNOT_BE_TOLD:
            return None
        case Change.NEWLY_ALLOWED:
            return True
        case Change.NEWLY_DENIED | Change.OTHER_REASON:
            return False
        case Change.UNCHANGED:
            is_later = one.gate in {GateName.HOOK, GateName.AUDIT}
            return decision.allowed if is_later else one.allowed
        case _:
            assert_never(outcome.change)


def _same(one: Recorded) -> Outcome:
    return Outcome(Change.UNCHANGED, one.gate, one.reason_code, one.reason, one.keys.get("rule_id"))


def _change(one: Recorded, decision: Decision) -> Change:
    if one.allowed != decision.allowed:
        return Change.NEWLY_ALLOWED if decision.allowed else Change.NEWLY_DENIED
    if (one.gate, one.reason_code) == (decision.gate, decision.reason_code):
        return Change.UNCHANGED
    codes = {one.reason_code, decision.reason_code}
    return Change.UNCHANGED if codes <= _TIERS or codes <= PROOFS else Change.OTHER_REASON
