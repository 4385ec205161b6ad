"""OpenTelemetry, as far as the MCP SDK speaks it: its server span is the call's, and the gate writes upon it.

Only the API is used here, which does nothing at all until somebody has set up its SDK: `gatetrail.runtime.tracing`,
or a host program that traces by itself.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from contextvars import Token
from typing import Any

from opentelemetry import context, trace
from opentelemetry.context import Context
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from gatetrail.gates.decision import Decision
from gatetrail.words import ExecutionStatus

NAMESPACE = "mcp_governance."
"""Before what OpenTelemetry has no name for; the same as in the log records of the OTLP sink."""

_CARRIED = (b"traceparent", b"tracestate")
_propagator = TraceContextTextMapPropagator()
_tracer = trace.get_tracer("gatetrail")

Attributes = dict[str, str | bool | int | float]


def current_trace() -> tuple[str, str] | None:
    """Trace and span of the span that is open here, also of one that is not recorded; None outside of any."""
    found = trace.get_current_span().get_span_context()
    if not found.is_valid:
        return None
    return trace.format_trace_id(found.trace_id), trace.format_span_id(found.span_id)


def is_traced() -> bool:
    """Whether somebody in this process has set up tracing."""
    provider = trace.get_tracer_provider()
    return not isinstance(provider, trace.ProxyTracerProvider | trace.NoOpTracerProvider)


def attach(scope: Mapping[str, Any]) -> Token[Context] | None:
    """Let spans begin under what a request's `traceparent` names, until `detach`; None when there is no need.

    The SDK itself looks into messages only. To be asked when there is such a header.
    """
    if not is_traced() or current_trace() is not None:
        return None
    carrier = {name.decode(): value.decode("latin-1") for name, value in scope["headers"] if name in _CARRIED}
    return context.attach(_propagator.extract(carrier))


def detach(token: Token[Context] | None) -> None:
    """The end of what `attach` began."""
    if token is not None:
        context.detach(token)


class SpanObserver:
    """`Observer` that writes decisions and outcomes upon the span of their call. Arguments and users are not told."""

    def decided(self, decision: Decision, execution_id: str, took_s: float) -> None:
        span = trace.get_current_span()
        if not span.is_recording():
            return
        told = _told(decision, execution_id)
        span.set_attributes(told)
        began_ns = time.time_ns() - round(took_s * 1e9)
        _tracer.start_span("gatetrail.decide", attributes=told, start_time=began_ns).end()

    def completed(self, status: ExecutionStatus, latency_s: float) -> None:
        span = trace.get_current_span()
        if span.is_recording():
            told: Attributes = {"execution_status": status.value, "latency_ms": round(latency_s * 1000, 3)}
            span.set_attributes({NAMESPACE + key: value for key, value in told.items()})

    def committed(self, event_count: int, duration_s: float) -> None:
        """Nothing: a commit belongs to many calls."""


def _told(decision: Decision, execution_id: str) -> Attributes:
    ours: Attributes = {
        "decision": "allow" if decision.allowed else "deny",
        "gate": decision.gate.value,
        "reason_code": decision.reason_code.value,
        "execution_id": execution_id,
        "policy_version": decision.policy_version,
        "actual_tier": decision.actual_tier.value,
        "decision_us": decision.decision_us,
    }
    if decision.required_tier is not None:
        ours["required_tier"] = decision.required_tier.value
    told = {NAMESPACE + key: value for key, value in ours.items()}
    return told if decision.allowed else told | _rule(decision)


def _rule(decision: Decision) -> Attributes:
    """The rule that denied, in the words of OpenTelemetry: its kind is the gate, its set is the policy."""
    rule: Attributes = {
        "security_rule.category": decision.gate.value,
        "security_rule.ruleset.name": "gatetrail policy",
        "security_rule.version": decision.policy_version,
    }
    if decision.rule_id is not None:
        rule["security_rule.name"] = decision.rule_id
    return rule
