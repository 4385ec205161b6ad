"""A decision and its outcome, put into words and into JSON."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from gatetrail.cli.cells import BOLD, DIM, GREEN, RED, Cell, Screen
from gatetrail.cli.remedies import what_would_have_passed
from gatetrail.events.fields import Record
from gatetrail.events.model import ExecutionOrphaned, ToolCallCompleted, ToolCallDecided
from gatetrail.words import GateOutcome

Outcome = ToolCallCompleted | ExecutionOrphaned

_LABEL_WIDTH = 13
_STYLES = {GateOutcome.PASS: GREEN, GateOutcome.DENY: RED, GateOutcome.SKIPPED: DIM}


@dataclass(frozen=True, slots=True)
class Explanation:
    """What the record says of one decision."""

    decided: ToolCallDecided
    outcome: Outcome | None

    @property
    def denied(self) -> bool:
        return self.decided.decision == "deny"

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

    def as_json(self) -> dict[str, Any]:
        """One object: the answer first, then the events that it was drawn from."""
        decided = self.decided
        return {
            "decision_id": decided.execution_id,
            "decision": decided.decision,
            "gate": decided.gate,
            "reason_code": decided.reason_code,
            "reason": decided.reason,
            "would_have_passed": what_would_have_passed(decided) if self.denied else None,
            "gates": self.gates,
            "required_tier": decided.required_tier,
            "actual_tier": decided.actual_tier,
            "rule_id": decided.rule_id,
            "retry_after_ms": decided.retry_after_ms,
            "policy_version": decided.policy_version,
            "arguments_preview": decided.arguments_preview,
            "decision_us": decided.decision_us,
            "execution_status": self._status(),
            "latency_ms": self.outcome.latency_ms if isinstance(self.outcome, ToolCallCompleted) else None,
            "error_class": self.outcome.error_class if self.outcome else None,
            "events": [_keys(event) for event in (decided, self.outcome) if event is not None],
        }

    def as_text(self) -> str:
        """Some lines, a label before each."""
        screen = Screen()
        labelled = [(Cell(label, _LABEL_WIDTH, DIM), value) for label, value in self._lines()]
        return "\n".join(screen.line(cells) for cells in labelled)

    def _lines(self) -> Iterator[tuple[str, Cell]]:
        decided = self.decided
        verdict = f"denied by {decided.gate.value}" if self.denied else "allowed"
        yield "decision", Cell(decided.execution_id, style=BOLD)
        yield "", Cell(f"{verdict}: {decided.reason}", style=RED if self.denied else GREEN)
        if self.denied:
            yield "would pass", Cell(what_would_have_passed(decided))
        yield "when", Cell(f"{decided.timestamp}, decided in {decided.decision_us} µs")
        yield "call", Cell(f"{decided.server_name}/{decided.tool_name} ({decided.method})")
        if decided.arguments_preview is not None:
            yield "arguments", Cell(decided.arguments_preview)
        yield "caller", Cell(_caller_of(decided))
        yield "tier", Cell(f"required {decided.required_tier or 'unknown'}, actual {decided.actual_tier}")
        for name, result in self.gates.items():
            yield f"  {name}", Cell(result.value, style=_STYLES[result])
        if decided.rule_id is not None:
            yield "matched rule", Cell(decided.rule_id)
        if decided.retry_after_ms is not None:
            yield "retry after", Cell(f"{decided.retry_after_ms} ms")
        yield "policy", Cell(decided.policy_version)
        yield "outcome", Cell(self._outcome_text())
        yield "recorded", Cell(self._recorded_text())

    def _status(self) -> str:
        return str(self.outcome.execution_status if self.outcome else self.decided.execution_status)

    def _outcome_text(self) -> str:
        if self.denied:
            return "the handler did not run"
        match self.outcome:
            case ToolCallCompleted(execution_status=status, latency_ms=latency_ms, error_class=error_class):
                cause = f" ({error_class})" if error_class else ""
                return f"{status.value}{cause} after {latency_ms:.1f} ms"
            case ExecutionOrphaned():
                return "failed: its process died, the sweep has closed it"
            case None:
                return "pending: the handler runs, or its process died and the sweep has not come by"

    def _recorded_text(self) -> str:
        events = [event for event in (self.decided, self.outcome) if event is not None]
        return ", ".join(f"{event.event_name} as seq {event.seq}" for event in events)


def explanation_of(events: Sequence[Record]) -> Explanation | None:
    """The explanation of a decision's events, in order; None when there is no decision among them."""
    decided = next((event for event in events if isinstance(event, ToolCallDecided)), None)
    outcomes = [event for event in events if isinstance(event, ToolCallCompleted | ExecutionOrphaned)]
    return Explanation(decided, outcomes[-1] if outcomes else None) if decided is not None else None


def _caller_of(decided: ToolCallDecided) -> str:
    who = decided.user_id or "nobody known"
    facts = {
        "session": decided.session_id,
        "client": decided.client_id,
        "department": decided.department,
        "from": decided.src_ip,
        "trace": decided.trace_id,
    }
    known = "".join(f", {name} {value}" for name, value in facts.items() if value)
    return f"{who} ({decided.caller_type}, {decided.auth_method}){known}"


def _keys(event: Record) -> dict[str, Any]:
    from gatetrail.events.wire import keys_of

    return dict(sorted(keys_of(event).items()))
