"""What a hook is told: one flat JSON object in the words of the record, as stdin of a command or body of a POST."""

from __future__ import annotations

from typing import Annotated, Literal

import orjson
from pydantic import BaseModel, ConfigDict, Field

from gatetrail.hooks.facts import Facts
from gatetrail.policy.hooks import Hook, HookArguments, HookMoment
from gatetrail.words import ExecutionStatus, GateName, ReasonCode

VERSION: Literal["gatetrail.hook/1"] = "gatetrail.hook/1"
"""Keys may be added within a version; none is lost or gets another meaning."""


class HookPayload(BaseModel):
    """Keys that are not known are absent. Nothing in it tells more than the record does."""

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)

    schema_name: Literal["gatetrail.hook/1"] = Field(default=VERSION, alias="schema")
    """Of this shape. Read what you know, and let the rest be."""
    hook_id: str
    """The hook, by its name in the policy."""
    hook_event: HookMoment
    """The moment that it hangs on."""
    timestamp: str = Field(alias="@timestamp")
    """RFC 3339 in UTC with microseconds: of the event that this tells of."""
    event_id: str
    """Of the event in the record. A second try has the same."""
    execution_id: str | None = None
    """The decision that it belongs to. For `pre_tool_use` it is the one that is to be made."""
    trace_id: str | None = None
    """W3C Trace Context."""
    span_id: str | None = None
    """W3C Trace Context."""
    user_id: str | None = None
    """Who is answerable; absent for anonymous callers."""
    session_id: str | None = None
    """The session that roles and tier are bound to."""
    context_id: str | None = None
    """The conversation or run, as the client names it."""
    client_id: str | None = None
    """The program that asked, for instance an agent."""
    task_id: str | None = None
    """The task that the call is a part of, as the client names it."""
    server_name: str | None = None
    """The MCP server."""
    tool_name: str | None = None
    """The tool, the prompt, or the URI of the resource."""
    method: str | None = None
    """The MCP method."""
    arguments_digest: str | None = None
    """Of the arguments as they came: equal arguments, equal digest."""
    arguments_preview: str | None = None
    """The arguments as JSON text, redacted and then cut. Only for a hook with `arguments: redacted`."""
    data_domains: tuple[str, ...] | None = None
    """Kinds of data that the policy says the tool touches."""
    caller_type: str | None = None
    """What kind of party asked, as its token says."""
    actual_tier: str | None = None
    """The caller's tier."""
    required_tier: str | None = None
    """The tier that the policy demands here."""
    session_tier: str | None = None
    """The highest tier that the session can ever use."""
    decision: Literal["allow", "deny"] | None = None
    """What became of the call. Absent before the decision."""
    gate: GateName | None = None
    """The gate that denied; `none` when the call was allowed."""
    reason_code: ReasonCode | None = None
    """Why, as one word."""
    reason: str | None = None
    """Why, as a sentence."""
    rule_id: str | None = None
    """The policy's rule that matched."""
    policy_version: str | None = None
    """Which policy decided, or is about to."""
    execution_status: ExecutionStatus | None = None
    """How the call ended."""
    latency_ms: Annotated[int | float, Field(ge=0)] | None = None
    """What the handler took."""
    error_class: str | None = None
    """What went wrong, as a class to group by."""
    hook_source: str | None = None
    """The agent that reported the moment, where one did."""


_NAMES = {name: field.alias or name for name, field in HookPayload.model_fields.items()}


def payload_of(hook: Hook, facts: Facts) -> bytes:
    """The object for one hook, with sorted keys."""
    known = {alias: facts.keys[name] for name, alias in _NAMES.items() if facts.keys.get(name) is not None}
    if hook.arguments is not HookArguments.REDACTED:
        known.pop("arguments_preview", None)
    told = known | {"schema": VERSION, "hook_id": hook.id, "hook_event": hook.event}
    return orjson.dumps(told, option=orjson.OPT_SORT_KEYS)
