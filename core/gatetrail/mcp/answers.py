"""How a denial, a time limit and a thing that does not exist are told to an MCP client.

The codes of denials are positive: the specification keeps -32768 to -32000 for itself. A hidden thing
and one that does not exist get the SDK's own words for the latter, without any id.
"""

from __future__ import annotations

from typing import Any, assert_never

from mcp.shared.exceptions import MCPError
from mcp_types import INVALID_PARAMS, METHOD_NOT_FOUND

from gatetrail.call import Call, Kind
from gatetrail.dispatcher import Denied, TimedOut
from gatetrail.dispatcher.denial import denial_text
from gatetrail.words import GateName

TIMED_OUT = 40801
"""The handler ran into its time limit; the call was recorded as `timeout`."""

CODES: dict[GateName, int] = {
    GateName.SCOPE: 40301,
    GateName.SCANNER: 40302,
    GateName.BLOCKLIST: 40303,
    GateName.HOOK: 40304,
    GateName.RATE_LIMIT: 42901,
    GateName.AUDIT: 50301,
}
"""The JSON-RPC error code of each gate's denial."""

RESOURCE_NOT_FOUND = -32002
"""What servers before 2026-07-28 answer for a resource that does not exist."""


class UnknownThing(MCPError):
    """The answer for a thing that does not exist, or must seem not to."""


def denied(call: Call, denial: Denied, asked_name: str | None = None) -> MCPError:
    """What the client of a denied call gets. `asked_name` is the name that it used, where that is not the call's."""
    decision = denial.decision
    if decision.concealed:
        return unknown(call, asked_name or call.tool_name)
    data: dict[str, Any] = {
        "gate": decision.gate.value,
        "reason_code": decision.reason_code.value,
        "required_tier": decision.required_tier.value if decision.required_tier else None,
        "actual_tier": decision.actual_tier.value,
        "retry_after_ms": decision.retry_after_ms,
        "decision_id": denial.execution_id,
    }
    present = {key: value for key, value in data.items() if value is not None}
    return MCPError(CODES[decision.gate], denial_text(denial), present)


def timed_out(call: Call, timeout: TimedOut) -> MCPError:
    """What the client of a call that took too long gets."""
    message = f"{call.tool_name} ran into its time limit of {timeout.limit_ms} ms (decision {timeout.execution_id})"
    return MCPError(TIMED_OUT, message, {"limit_ms": timeout.limit_ms, "decision_id": timeout.execution_id})


def unknown(call: Call, name: str) -> UnknownThing:
    """The same for what is hidden from the caller and for what does not exist."""
    match call.kind:
        case Kind.TOOL:
            return UnknownThing(INVALID_PARAMS, f"Unknown tool: {name}")
        case Kind.PROMPT:
            return UnknownThing(INVALID_PARAMS, f"Unknown prompt: {name}")
        case Kind.RESOURCE:
            return UnknownThing(INVALID_PARAMS, f"Unknown resource: {name}", {"uri": name})
        case Kind.LISTING | Kind.METHOD:
            return UnknownThing(METHOD_NOT_FOUND, "Method not found", call.method)
        case _:
            assert_never(call.kind)


def says_not_found(problem: MCPError) -> bool:
    """True for the two forms in which servers say that a resource does not exist."""
    if problem.code == RESOURCE_NOT_FOUND:
        return True
    data: Any = problem.data
    return problem.code == INVALID_PARAMS and isinstance(data, dict) and "uri" in data
