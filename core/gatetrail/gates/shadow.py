"""What is decided beside the gates in force, to be recorded and nothing else."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from gatetrail.call import Call
from gatetrail.gates.decision import Decision, GateOutcome, Verdict
from gatetrail.identity.caller import Caller
from gatetrail.limits import Taking
from gatetrail.policy.scanner import ScannerPolicy
from gatetrail.words import GateName, ReasonCode

COUNTED = frozenset({ReasonCode.BURST, ReasonCode.ENUMERATION, ReasonCode.LOCKED_OUT})
"""Denials by the scanner that follow from what came before."""


class Decider(Protocol):
    """What a shadow needs to know of gates. Those of the shadow itself have a state of their own."""

    @property
    def scanning(self) -> ScannerPolicy:
        """By what the scanner goes."""
        ...

    def decide(self, call: Call, caller: Caller, now_us: int, now_s: float) -> Decision: ...

    def takings(self, call: Call, caller: Caller) -> Sequence[Taking]:
        """The limits of rate that the call is under."""
        ...


class Shadow:
    """Gates beside those in force. Where both count the same things, what the enforced gates have counted is true.

    The shadow's own counts are of this process and begin when it does; a difference that only they make is none.
    """

    def __init__(self, gates: Decider, enforced: Decider, version: str | None) -> None:
        """`version` is that of a whole policy; None for what is marked in the policy in force."""
        self._gates = gates
        self._enforced = enforced
        self._version = version
        self._same_scanner = gates.scanning == enforced.scanning

    def look(self, call: Call, caller: Caller, decision: Decision, now_us: int, now_s: float) -> Verdict | None:
        """What would have been said instead of `decision`, which is that of the gates in force; None for the same.

        What is marked in the policy in force can only have denied what was allowed.
        """
        other = self._gates.decide(call, caller, now_us, now_s)
        if (decision.gate, decision.reason_code) == (other.gate, other.reason_code):
            return None
        if (self._version is None and not decision.allowed) or self._is_by_counts(call, caller, decision, other):
            return None
        return Verdict(other.gate, other.reason_code, other.reason, other.rule_id, self._version)

    def _is_by_counts(self, call: Call, caller: Caller, decision: Decision, other: Decision) -> bool:
        """True where one of the two has denied by what it counted, and the other one has the same limits.

        Also where the store of the counts was away, as it would have been for the other one.
        """
        if self._same_scanner and COUNTED & {decision.reason_code, other.reason_code}:
            return True
        if decision.reason_code is ReasonCode.RATE_STORE_AWAY:
            return other.gate in {GateName.NONE, GateName.RATE_LIMIT}
        if other.gate is GateName.RATE_LIMIT:
            is_by_rate = decision.rate_limit is GateOutcome.PASS
        else:
            is_by_rate = decision.gate is GateName.RATE_LIMIT and other.allowed
        return is_by_rate and self._gates.takings(call, caller) == self._enforced.takings(call, caller)
