"""A decision and its outcome, put into words."""

from __future__ import annotations

from collections.abc import Iterator

from gatetrail.cli.cells import BOLD, DIM, GREEN, RED, YELLOW, Cell, Screen
from gatetrail.events.explanation import Explanation
from gatetrail.events.model import ExecutionOrphaned, ToolCallCompleted, ToolCallDecided
from gatetrail.words import GateName, GateOutcome

_LABEL_WIDTH = 13
_STYLES = {GateOutcome.PASS: GREEN, GateOutcome.DENY: RED, GateOutcome.SKIPPED: DIM}


def text_of(explanation: Explanation) -> str:
    """Some lines, a label before each; nothing is cut."""
    screen = Screen()
    labelled = ((Cell(label, _LABEL_WIDTH, DIM), value) for label, value in _lines(explanation))
    return "\n".join(line for label, value in labelled for line in screen.labelled(label, value))


def _lines(explanation: Explanation) -> Iterator[tuple[str, Cell]]:
    decided = explanation.decided
    verdict = f"denied by {decided.gate.value}" if explanation.denied else "allowed"
    yield "decision", Cell(decided.execution_id, style=BOLD)
    yield "", Cell(f"{verdict}: {decided.reason}", style=RED if explanation.denied else GREEN)
    if explanation.would_have_passed is not None:
        yield "would pass", Cell(explanation.would_have_passed)
    yield "when", Cell(f"{decided.timestamp}, decided in {decided.decision_us} µs")
    yield "call", Cell(f"{decided.server_name}/{decided.tool_name} ({decided.method})")
    if decided.arguments_preview is not None:
        yield "arguments", Cell(decided.arguments_preview)
    yield "caller", Cell(_caller_of(decided))
    yield "tier", Cell(f"required {decided.required_tier or 'unknown'}, actual {decided.actual_tier}")
    for name, result in explanation.gates.items():
        yield f"  {name}", Cell(result.value, style=_STYLES[result])
    if decided.rule_id is not None:
        yield "matched rule", Cell(decided.rule_id)
    if decided.retry_after_ms is not None:
        yield "retry after", Cell(f"{decided.retry_after_ms} ms")
    yield "policy", Cell(decided.policy_version)
    if decided.shadow_gate is not None:
        yield "shadow", Cell(_shadow_text(decided), style=YELLOW)
    yield "outcome", Cell(_outcome_text(explanation))
    yield "recorded", Cell(_recorded_text(explanation))


def _shadow_text(decided: ToolCallDecided) -> str:
    if decided.shadow_policy_version is not None:
        tried = f"policy {decided.shadow_policy_version}, which is only tried,"
    else:
        tried = "what is marked shadow in the policy"
    gate = decided.shadow_gate
    said = "have allowed it" if gate in {None, GateName.NONE} else f"have denied it by {gate}: {decided.shadow_reason}"
    return f"{tried} would {said}"


def _outcome_text(explanation: Explanation) -> str:
    if explanation.denied:
        return "the handler did not run"
    match explanation.outcome:
        case ToolCallCompleted(execution_status=status, latency_ms=latency_ms, error_class=error_class):
            cause = f" ({error_class})" if error_class else ""
            return f"{status.value}{cause} after {latency_ms:.1f} ms"
        case ExecutionOrphaned():
            return "failed: its process died, or its agent never told how it ended; the sweep has closed it"
        case None:
            return "pending: the handler runs, or its process died and the sweep has not come by"


def _recorded_text(explanation: Explanation) -> str:
    events = [event for event in (explanation.decided, explanation.outcome) if event is not None]
    return ", ".join(f"{event.event_name} as seq {event.seq}" for event in events)


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
