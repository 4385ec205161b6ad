"""Turns decisions and outcomes into events: the one place where deciding and telling meet."""

from __future__ import annotations

from typing import Any

import orjson

from gatetrail.call import MAX_ID_BYTES, Call, clean, clean_list, clean_optional
from gatetrail.events.executions import Orphan
from gatetrail.events.fields import ID_KEYS, CallKeys, Record
from gatetrail.events.model import ExecutionOrphaned, ToolCallCompleted, ToolCallDecided
from gatetrail.events.stamp import Stamp
from gatetrail.events.wire import MAX_LINE_BYTES
from gatetrail.gates.decision import Decision, Verdict
from gatetrail.identity.caller import Authenticated, AuthMethod, Caller, tier_of
from gatetrail.identity.tiers import CallerType
from gatetrail.redaction import Redactor
from gatetrail.severity import DENIAL_LEVELS, OUTCOME_LEVELS
from gatetrail.words import ExecutionStatus, Level


def decided(
    stamp: Stamp, call: Call, caller: Caller, decision: Decision, execution_id: str, redactor: Redactor
) -> ToolCallDecided:
    """The event of a decision, before anything happens. What is to be redacted is so from here on."""
    texts = redactor.texts(_texts(call, caller, decision))
    words = "allowed" if decision.allowed else f"denied by {decision.gate.value} gate:"
    words += f" {texts['method']} {texts['server_name']}/{texts['tool_name']} for {texts['user_id'] or 'anonymous'}"
    keys = (
        stamp(DENIAL_LEVELS[decision.gate], words)
        | _who(caller, redactor)
        | _grants(caller, redactor)
        | texts
        | _shadow(decision.shadow)
        | {
            "trace_id": clean(call.ids.trace_id, MAX_ID_BYTES),
            "span_id": clean_optional(call.ids.span_id, MAX_ID_BYTES),
            "endpoint": decision.endpoint,
            "data_domains": clean_list(decision.data_domains),
            "execution_id": execution_id,
            "arguments_digest": redactor.digest(call.arguments),
            "decision": "allow" if decision.allowed else "deny",
            "gate": decision.gate,
            "reason_code": decision.reason_code,
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
    if redactor.has_previews:
        keys["arguments_preview"] = redactor.preview(call, MAX_LINE_BYTES - _OTHER_BYTES - len(orjson.dumps(keys)))
    return ToolCallDecided.trusted(keys)


_OTHER_BYTES = 350
"""What a line has besides: the keys that are always the same, those of the chain, and the name of the preview."""

_SAME_IN_BOTH = (*ID_KEYS, *(CallKeys.model_fields.keys() - Record.model_fields.keys()), "policy_version")
"""What an outcome repeats of its decision, so that each of the two can be read alone."""


def completed(
    stamp: Stamp,
    decision: ToolCallDecided,
    status: ExecutionStatus,
    latency_ms: float,
    error_class: str | None,
    redactor: Redactor | None = None,
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
            "error_class": _error_class(error_class, redactor),
        }
    )


def orphaned(stamp: Stamp, orphan: Orphan, why: str) -> ExecutionOrphaned:
    """The end of a call that nobody will finish."""
    return ExecutionOrphaned(
        **stamp(Level.WARNING, f"{orphan.server_name}/{orphan.tool_name} {why}"),
        trace_id=orphan.trace_id,
        user_id=orphan.user_id,
        session_id=orphan.session_id,
        context_id=orphan.context_id,
        client_id=orphan.client_id,
        task_id=orphan.task_id,
        execution_id=orphan.execution_id,
        server_name=orphan.server_name,
        tool_name=orphan.tool_name,
        orphaned_instance_id=orphan.instance_id,
    )


def milliseconds(value: float) -> int | float:
    """Three decimals, and an int when they are zero: `1.0` is not how RFC 8785 writes one."""
    rounded = round(value, 3)
    return int(rounded) if rounded == int(rounded) else rounded


def _error_class(error_class: str | None, redactor: Redactor | None) -> str | None:
    # Without a redactor it is a word of ours.
    if error_class is None or redactor is None:
        return clean_optional(error_class, MAX_ID_BYTES)
    return redactor.texts({"error_class": error_class})["error_class"]


def _who(caller: Caller, redactor: Redactor) -> dict[str, Any]:
    if isinstance(caller, Authenticated):
        return {
            "caller_type": caller.caller_type.value,
            "actual_tier": caller.tier.value,
            "rate_limit_tier": caller.tier.value,
            "auth_method": caller.auth_method.value,
            "roles": redactor.roles(caller.roles),
        }
    tier = tier_of(caller).value
    return {
        "caller_type": CallerType.ANONYMOUS.value,
        "actual_tier": tier,
        "rate_limit_tier": tier,
        "auth_method": AuthMethod.NONE.value,
    }


def _grants(caller: Caller, redactor: Redactor) -> dict[str, Any]:
    if not isinstance(caller, Authenticated):
        return {}
    return {"scopes": redactor.grants(caller.scopes), "audiences": redactor.grants(caller.audiences)}


def _shadow(verdict: Verdict | None) -> dict[str, Any]:
    if verdict is None:
        return {}
    return {
        "shadow_gate": verdict.gate,
        "shadow_reason_code": verdict.reason_code,
        "shadow_rule_id": clean_optional(verdict.rule_id, MAX_ID_BYTES),
        "shadow_policy_version": verdict.policy_version,
    }


def _texts(call: Call, caller: Caller, decision: Decision) -> dict[str, str | None]:
    """All that came from outside, whole and as it came."""
    ids, origin = call.ids, call.origin
    proven = caller if isinstance(caller, Authenticated) else None
    return {
        "user_id": proven.user_id if proven else None,
        "session_id": ids.session_id,
        "context_id": ids.context_id,
        "client_id": ids.client_id,
        "task_id": ids.task_id,
        "call_id": call.call_id,
        "server_name": call.server_name,
        "tool_name": call.tool_name,
        "method": call.method,
        "department": proven.department if proven else None,
        "src_ip": origin.source_ip,
        "http_user_agent": origin.user_agent,
        "reason": decision.reason,
        "shadow_reason": decision.shadow.reason if decision.shadow else None,
    }
