"""Events for tests, made the way the product makes them."""

from __future__ import annotations

from typing import Any

from gatetrail.clock import IdMaker, SystemClock
from gatetrail.events.model import ToolCallCompleted, ToolCallDecided
from gatetrail.events.stamp import Stamp
from gatetrail.words import ExecutionStatus, GateName, GateOutcome, Level, ReasonCode

CLOCK = SystemClock()
IDS = IdMaker(CLOCK)


def make_stamp() -> Stamp:
    """The stamp of a process of its own."""
    return Stamp(CLOCK, IDS, instance_id=IDS.new_id(), product_version="0.0.0")


def decided(stamp: Stamp, *, denied: bool = False, **over: Any) -> ToolCallDecided:
    """An allowed decision, or one that the scope gate denied."""
    gate = GateOutcome.DENY if denied else GateOutcome.PASS
    later = GateOutcome.SKIPPED if denied else GateOutcome.PASS
    keys: dict[str, Any] = {
        **stamp(Level.INFO, "a decision"),
        "execution_id": IDS.new_id(),
        "trace_id": "a" * 32,
        "user_id": "ann",
        "session_id": "session-1",
        "server_name": "finance",
        "tool_name": "get_invoice",
        "method": "tools/call",
        "endpoint": "mcp",
        "arguments_digest": "sha256:" + "0" * 64,
        "caller_type": "user",
        "actual_tier": "user",
        "rate_limit_tier": "user",
        "auth_method": "bearer",
        "decision": "deny" if denied else "allow",
        "gate": GateName.SCOPE if denied else GateName.NONE,
        "reason_code": ReasonCode.TIER_TOO_LOW if denied else ReasonCode.ALLOWED,
        "reason": "requires tier admin, caller has user" if denied else "all four gates passed",
        "required_tier": "admin" if denied else "user",
        "policy_version": "0123456789abcdef",
        "gate_scope": gate,
        "gate_scanner": later,
        "gate_blocklist": later,
        "gate_rate_limit": later,
        "decision_us": 9,
        "execution_status": ExecutionStatus.DENIED if denied else ExecutionStatus.PENDING,
    }
    return ToolCallDecided(**{**keys, **over})


def completed(
    stamp: Stamp, decision: ToolCallDecided, status: ExecutionStatus = ExecutionStatus.SUCCESS
) -> ToolCallCompleted:
    """The outcome of an allowed decision."""
    return ToolCallCompleted(
        **stamp(Level.INFO, "an outcome"),
        execution_id=decision.execution_id,
        trace_id=decision.trace_id,
        user_id=decision.user_id,
        session_id=decision.session_id,
        server_name=decision.server_name,
        tool_name=decision.tool_name,
        method=decision.method,
        endpoint=decision.endpoint,
        caller_type=decision.caller_type,
        actual_tier=decision.actual_tier,
        rate_limit_tier=decision.rate_limit_tier,
        auth_method=decision.auth_method,
        policy_version=decision.policy_version,
        execution_status=status,
        latency_ms=1.5,
        error_class=None if status is ExecutionStatus.SUCCESS else "time_limit",
    )
