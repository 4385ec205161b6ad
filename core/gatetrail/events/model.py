"""The closed union of events. A new kind of event is one class here and one line in `Event`."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, TypeAdapter

from gatetrail.events.fields import (
    CallKeys,
    DecisionKeys,
    Identifier,
    Milliseconds,
    Record,
    Sentence,
    ShortName,
    TierWord,
)
from gatetrail.words import ExecutionStatus, ReasonCode

Count = Annotated[int, Field(ge=0)]


class ToolCallDecided(DecisionKeys):
    """The gates have answered. Committed before the handler may run; `execution_status` is pending or denied."""

    event_name: Literal["tool_call.decided"] = "tool_call.decided"


class ToolCallCompleted(CallKeys):
    """The handler has ended: success, failed or timeout."""

    event_name: Literal["tool_call.completed"] = "tool_call.completed"
    decision: Literal["allow"] = "allow"
    policy_version: ShortName
    execution_status: ExecutionStatus
    latency_ms: Milliseconds
    error_class: Identifier | None = None


class ExecutionOrphaned(Record):
    """A pending call whose process died, closed by the sweep."""

    event_name: Literal["execution.orphaned"] = "execution.orphaned"
    execution_id: Identifier
    server_name: ShortName
    tool_name: Identifier
    execution_status: Literal["failed"] = "failed"
    error_class: Literal["orphaned"] = "orphaned"
    orphaned_instance_id: Identifier


class ScannerDetected(Record):
    """A probe that is no tool call: a path, an agent or a burst."""

    event_name: Literal["scanner.detected"] = "scanner.detected"
    gate: Literal["scanner"] = "scanner"
    decision: Literal["deny"] = "deny"
    reason_code: ReasonCode
    reason: Sentence
    rule_id: Identifier | None = None
    method: ShortName | None = None
    endpoint: Identifier | None = None
    src_ip: ShortName | None = None
    http_user_agent: Identifier | None = None


class IdentityRefused(Record):
    """Somebody presented something that proves nothing. Never holds the token."""

    event_name: Literal["identity.refused"] = "identity.refused"
    reason_code: ShortName
    reason: Sentence
    auth_method: Literal["bearer", "proxy", "embedded", "none"]
    claimed_user_id: Identifier | None = None
    endpoint: Identifier | None = None
    src_ip: ShortName | None = None
    http_user_agent: Identifier | None = None


class SessionStarted(Record):
    """A session was seen for the first time and bound to its owner and tier."""

    event_name: Literal["session.started"] = "session.started"
    session_tier: TierWord
    department: Identifier | None = None
    src_ip: ShortName | None = None


class SessionResumed(Record):
    """A process took up a session that another process, or an earlier life of it, had opened."""

    event_name: Literal["session.resumed"] = "session.resumed"
    session_tier: TierWord


class SessionEnded(Record):
    """A session was ended for good."""

    event_name: Literal["session.ended"] = "session.ended"
    reason: Sentence


class ManifestListed(Record):
    """A caller was shown a list of tools, resources or prompts."""

    event_name: Literal["manifest.listed"] = "manifest.listed"
    server_name: ShortName
    method: ShortName
    actual_tier: TierWord
    shown_count: Count
    hidden_count: Count
    policy_version: ShortName


class PolicyChanged(Record):
    """Another policy is in force."""

    event_name: Literal["policy.changed"] = "policy.changed"
    policy_version: ShortName
    previous_policy_version: ShortName | None = None
    policy_source: Identifier
    changes: tuple[Sentence, ...] | None = None


class PolicyRejected(Record):
    """A policy file was refused; the one before stays in force."""

    event_name: Literal["policy.rejected"] = "policy.rejected"
    policy_version: ShortName
    policy_source: Identifier
    reason: Sentence


class HookFailed(Record):
    """An external action of a hook failed or ran into its time limit."""

    event_name: Literal["hook.failed"] = "hook.failed"
    hook_id: Identifier
    hook_event: ShortName
    reason: Sentence
    execution_id: Identifier | None = None


LifecycleName = Literal[
    "lifecycle.pre_tool_use",
    "lifecycle.post_tool_use",
    "lifecycle.post_tool_use_failure",
    "lifecycle.session_start",
    "lifecycle.session_end",
    "lifecycle.user_prompt_submit",
    "lifecycle.notification",
    "lifecycle.stop",
    "lifecycle.subagent_start",
    "lifecycle.subagent_stop",
]


class LifecycleReported(Record):
    """One of the ten moments that agents report."""

    event_name: LifecycleName
    tool_name: Identifier | None = None


class AuditHeartbeat(Record):
    """The record is alive. Comes every minute, so that silence shows; counts are since the process started."""

    event_name: Literal["audit.heartbeat"] = "audit.heartbeat"
    allowed_count: Count
    denied_count: Count
    completed_count: Count
    exported_count: Count


class AuditCheckpoint(Record):
    """A signed statement of the chain's head at one moment."""

    event_name: Literal["audit.checkpoint"] = "audit.checkpoint"
    checkpoint_seq: Count
    checkpoint_hash: ShortName
    key_id: ShortName
    signature: Identifier


class AuditGap(Record):
    """A reader was too slow or a record is missing: events between the two positions were not delivered."""

    event_name: Literal["audit.gap"] = "audit.gap"
    sink_name: ShortName
    first_missing_seq: Count
    last_missing_seq: Count
    reason: Sentence


class AuditSinkFailed(Record):
    """A sink takes no events, or refused one for ever."""

    event_name: Literal["audit.sink_failed"] = "audit.sink_failed"
    sink_name: ShortName
    cursor_seq: Count
    reason: Sentence
    quarantined_seq: Count | None = None


class AuditSinkRecovered(Record):
    """A failed sink takes events again."""

    event_name: Literal["audit.sink_recovered"] = "audit.sink_recovered"
    sink_name: ShortName
    cursor_seq: Count


Event = Annotated[
    ToolCallDecided
    | ToolCallCompleted
    | ExecutionOrphaned
    | ScannerDetected
    | IdentityRefused
    | SessionStarted
    | SessionResumed
    | SessionEnded
    | ManifestListed
    | PolicyChanged
    | PolicyRejected
    | HookFailed
    | LifecycleReported
    | AuditHeartbeat
    | AuditCheckpoint
    | AuditGap
    | AuditSinkFailed
    | AuditSinkRecovered,
    Field(discriminator="event_name"),
]

EVENT_ADAPTER: TypeAdapter[Event] = TypeAdapter(Event)
"""Reads an event of any kind from JSON or from a dict; raises pydantic's ValidationError."""
