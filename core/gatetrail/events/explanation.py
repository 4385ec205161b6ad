"""What the record says of one decision: the value that the command line and the HTTP API tell."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import orjson

from gatetrail.events.fields import Record
from gatetrail.events.journal import Entry
from gatetrail.events.model import ExecutionOrphaned, ToolCallCompleted, ToolCallDecided
from gatetrail.events.remedies import what_would_have_passed
from gatetrail.events.search import EventFilter, Forms, Search
from gatetrail.events.wire import keys_of
from gatetrail.words import GateOutcome

Outcome = ToolCallCompleted | ExecutionOrphaned

MAX_TRACED = 200
"""Events of a trace that are told at most."""


@dataclass(frozen=True, slots=True)
class Explanation:
    """A decision and its outcome."""

    decided: ToolCallDecided
    outcome: Outcome | None

    @property
    def denied(self) -> bool:
        return self.decided.decision == "deny"

    @property
    def would_have_passed(self) -> str | None:
        """What would have let a denied call pass, in words; None for an allowed one."""
        return what_would_have_passed(self.decided) if self.denied else None

    @property
    def gates(self) -> dict[str, GateOutcome]:
        """The four in their order."""
        decided = self.decided
        return {
            "scope": decided.gate_scope,
            "scanner": decided.gate_scanner,
            "blocklist": decided.gate_blocklist,
            "rate_limit": decided.gate_rate_limit,
        }

    @property
    def shadow(self) -> dict[str, Any] | None:
        """What would have been said had what is only tried been in force; None when it would have been the same."""
        decided = self.decided
        if decided.shadow_gate is None:
            return None
        return {
            "gate": decided.shadow_gate,
            "reason_code": decided.shadow_reason_code,
            "reason": decided.shadow_reason,
            "rule_id": decided.shadow_rule_id,
            "policy_version": decided.shadow_policy_version,
        }

    def as_json(self, trace: Iterable[Entry]) -> dict[str, Any]:
        """One object for orjson: the answer first, then the events that it was drawn from, and those of its trace."""
        decided = self.decided
        return {
            "decision_id": decided.execution_id,
            "decision": decided.decision,
            "gate": decided.gate,
            "reason_code": decided.reason_code,
            "reason": decided.reason,
            "would_have_passed": self.would_have_passed,
            "gates": self.gates,
            "required_tier": decided.required_tier,
            "actual_tier": decided.actual_tier,
            "rule_id": decided.rule_id,
            "retry_after_ms": decided.retry_after_ms,
            "policy_version": decided.policy_version,
            "shadow": self.shadow,
            "arguments_preview": decided.arguments_preview,
            "decision_us": decided.decision_us,
            "execution_status": self._status(),
            "latency_ms": self.outcome.latency_ms if isinstance(self.outcome, ToolCallCompleted) else None,
            "error_class": self.outcome.error_class if self.outcome else None,
            "events": [_keys(event) for event in (decided, self.outcome) if event is not None],
            "trace": [orjson.Fragment(entry.line) for entry in trace],
        }

    def _status(self) -> str:
        return str(self.outcome.execution_status if self.outcome else self.decided.execution_status)


def explanation_of(events: Sequence[Record]) -> Explanation | None:
    """The explanation of a decision's events, in order; None when there is no decision among them."""
    decided = next((event for event in events if isinstance(event, ToolCallDecided)), None)
    outcomes = [event for event in events if isinstance(event, ToolCallCompleted | ExecutionOrphaned)]
    return Explanation(decided, outcomes[-1] if outcomes else None) if decided is not None else None


async def trace_of(explanation: Explanation, search: Search, owner: Forms | None = None) -> Sequence[Entry]:
    """The first events of the same trace, of one owner's only if one is given. Raises `DatabaseUnavailable`."""
    return await search.after(EventFilter(trace=explanation.decided.trace_id, owner=owner), 0, MAX_TRACED)


def _keys(event: Record) -> dict[str, Any]:
    return dict(sorted(keys_of(event).items()))
