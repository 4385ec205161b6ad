"""A denial in words, and as the exception that only the outermost door raises."""

from __future__ import annotations

from gatetrail.dispatcher.execution import Denied
from gatetrail.errors import CallDenied


def denial_text(denied: Denied) -> str:
    """One sentence that a model and a person can act on: gate, reason, wait, decision id."""
    decision = denied.decision
    wait = f"; retry after {decision.retry_after_ms} ms" if decision.retry_after_ms is not None else ""
    return f"Denied by {decision.gate.value} gate: {decision.reason}{wait} (decision {denied.execution_id})"


def denial(denied: Denied) -> CallDenied:
    """The exception that the outermost door raises for a denial."""
    return CallDenied(
        denial_text(denied),
        gate=denied.decision.gate,
        reason_code=denied.decision.reason_code,
        execution_id=denied.execution_id,
        retry_after_ms=denied.decision.retry_after_ms,
    )
