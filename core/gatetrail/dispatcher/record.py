"""Turns decisions and outcomes into events: the one place where deciding and telling meet."""

from __future__ import annotations

from typing import Any

from gatetrail.call import (
    MAX_ID_BYTES,
    MAX_NAME_BYTES,
    MAX_SENTENCE_BYTES,
    MAX_TOOL_BYTES,
    MAX_USER_AGENT_BYTES,
    Call,
    arguments_digest,
    clean,
    clean_list,
    clean_optional,
)
from gatetrail.events.fields import ID_KEYS, CallKeys, Record
from gatetrail.events.model import ToolCallCompleted, ToolCallDecided
from gatetrail.events.stamp import Stamp
from gatetrail.gates.decision import Decision
from gatetrail.identity.caller import Authenticated, AuthMethod, Caller, tier_of
from gatetrail.identity.tiers import CallerType
from gatetrail.severity import DENIAL_LEVELS, OUTCOME_LEVELS
from gatetrail.words import ExecutionStatus, Level


def decided(stamp: Stamp, call: Call, caller: Caller, decision: Decision, execution_id: str) -> ToolCallDecided:
    """The event of a decision, before anything happens."""
    who = _who(caller)
    words = "allowed" if decision.allowed else f"denied by {decision.gate.value} gate:"
    server_name = clean(call.server_name, MAX_NAME_BYTES)
    tool_name = clean(call.tool_name, MAX_TOOL_BYTES)
    words = f"{words} {call.method} {server_name}/{tool_name} for {who['user_id'] or 'anonymous'}"
    return ToolCallDecided.trusted(
        stamp(DENIAL_LEVELS[decision.gate], words)
        | who
        | _what(call, server_name, tool_name, decision)
        | {
            "execution_id": execution_id,
            "arguments_digest": arguments_digest(call.arguments),
            "decision": "allow" if decision.allowed else "deny",
            "gate": decision.gate,
            "reason_code": decision.reason_code,
            "reason": clean(decision.reason, MAX_SENTENCE_BYTES),
            "required_tier": decision.required_tier.value if decision.required_tier else None,
            "retry_after_ms": decision.retry_after_ms,
            "rule_id": clean_optional(decision.rule_id, MAX_ID_BYTES),
            "policy_version": decision.policy_version,
            "gate_scope": decision.scope,
            "gate_scanner": decision.scanner,
            "gate_blocklist": decision.blocklist,
            "gate_rate_limit": decision.rate_limit,
            "decision_us": decision.decision_us,
            "execution_status": ExecutionStatus.PENDING if decision.allowed else ExecutionStatus.DENIED,
        }
    )


_SAME_IN_BOTH = (*ID_KEYS, *(CallKeys.model_fields.keys() - Record.model_fields.keys()), "policy_version")
"""What an outcome repeats of its decision, so that each of the two can be read alone."""


def completed(
    stamp: Stamp,
    decision: ToolCallDecided,
    status: ExecutionStatus,
    latency_ms: float,
    error_class: str | None,
    *,
    level: Level | None = None,
    message: str | None = None,
) -> ToolCallCompleted:
    """The event of an outcome: success, failed or timeout. Level and message follow from the status unless given."""
    known = decision.__dict__
    words = message or f"{decision.method} {decision.server_name}/{decision.tool_name} ended with {status}"
    return ToolCallCompleted.trusted(
        stamp(level or OUTCOME_LEVELS[status], words)
        | {name: known[name] for name in _SAME_IN_BOTH}
        | {
            "execution_status": status,
            "latency_ms": milliseconds(latency_ms),
            "error_class": clean_optional(error_class, MAX_ID_BYTES),
        }
    )


def milliseconds(value: float) -> int | float:
    """Three decimals, and an int when they are zero: `1.0` is not how RFC 8785 writes one."""
    rounded = round(value, 3)
    return int(rounded) if rounded == int(rounded) else rounded


def _who(caller: Caller) -> dict[str, Any]:
    if isinstance(caller, Authenticated):
        return {
            "user_id": clean(caller.user_id, MAX_ID_BYTES),
            "caller_type": caller.caller_type.value,
            "actual_tier": caller.tier.value,
            "rate_limit_tier": caller.tier.value,
            "auth_method": caller.auth_method.value,
            "department": clean_optional(caller.department, MAX_ID_BYTES),
            "roles": clean_list(caller.roles),
        }
    tier = tier_of(caller).value
    return {
        "user_id": None,
        "caller_type": CallerType.ANONYMOUS.value,
        "actual_tier": tier,
        "rate_limit_tier": tier,
        "auth_method": AuthMethod.NONE.value,
    }


def _what(call: Call, server_name: str, tool_name: str, decision: Decision) -> dict[str, Any]:
    ids, origin = call.ids, call.origin
    return {
        "trace_id": ids.trace_id,
        "span_id": ids.span_id,
        "session_id": clean_optional(ids.session_id, MAX_ID_BYTES),
        "context_id": clean_optional(ids.context_id, MAX_ID_BYTES),
        "client_id": clean_optional(ids.client_id, MAX_ID_BYTES),
        "task_id": clean_optional(ids.task_id, MAX_ID_BYTES),
        "call_id": clean_optional(call.call_id, MAX_ID_BYTES),
        "server_name": server_name,
        "tool_name": tool_name,
        "method": clean(call.method, MAX_NAME_BYTES),
        "endpoint": decision.endpoint,
        "data_domains": clean_list(decision.data_domains),
        "src_ip": clean_optional(origin.source_ip, MAX_NAME_BYTES),
        "http_user_agent": clean_optional(origin.user_agent, MAX_USER_AGENT_BYTES),
    }
