"""The closed union of events. A new kind: a class here, a line in `Event`, a member of `formats.kinds.Kind`."""

from __future__ import annotations

from typing import Annotated, Literal, get_args

from pydantic import Field, TypeAdapter

from gatetrail.events.classes import sensitive_keys
from gatetrail.events.fields import (
    CallKeys,
    DecisionKeys,
    Identifier,
    LifecycleName,
    Milliseconds,
    PeerKeys,
    Personal,
    Record,
    Sentence,
    ShortName,
    ShortPersonal,
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
    """Only an allowed call has an outcome."""
    policy_version: ShortName
    """Which policy had decided."""
    execution_status: ExecutionStatus
    """How it ended: success, failed or timeout."""
    latency_ms: Milliseconds
    """From the commit of the decision to the end of the handler, in milliseconds."""
    error_class: Identifier | None = None
    """What went wrong, as a class to group by. Absent after a success."""


class ExecutionOrphaned(Record):
    """A pending call that nobody will finish: its process died, or its agent never told how it ended."""

    event_name: Literal["execution.orphaned"] = "execution.orphaned"
    execution_id: Identifier
    """The decision whose call was left pending."""
    server_name: ShortName
    """The MCP server of the call."""
    tool_name: Identifier
    """The tool of the call."""
    execution_status: Literal["failed"] = "failed"
    """How the sweep closed it."""
    error_class: Literal["orphaned"] = "orphaned"
    """Always the same: nobody knows how far the handler came."""
    orphaned_instance_id: Identifier
    """The process that had decided on it."""


class ScannerDetected(PeerKeys):
    """A probe that is no tool call: a path, an agent or a burst."""

    event_name: Literal["scanner.detected"] = "scanner.detected"
    gate: Literal["scanner"] = "scanner"
    """Always the scanner."""
    decision: Literal["deny"] = "deny"
    """A probe is always denied."""
    reason_code: ReasonCode
    """What gave it away, as one word to group by."""
    reason: Sentence
    """What gave it away, as a sentence."""
    rule_id: Identifier | None = None
    """The rule of the scanner that matched."""
    method: ShortName | None = None
    """The HTTP method."""
    endpoint: Identifier | None = None
    """The path that was asked for."""


class IdentityRefused(PeerKeys):
    """Somebody presented something that proves nothing. Never holds the token."""

    event_name: Literal["identity.refused"] = "identity.refused"
    reason_code: ShortName
    """Why, as one word to group by."""
    reason: Sentence
    """Why, as a sentence."""
    auth_method: Literal["bearer", "proxy", "embedded", "none"]
    """What kind of proof was presented."""
    claimed_user_id: Personal | None = None
    """The user that the proof names. It was refused, so this may be a lie."""
    endpoint: Identifier | None = None
    """The path that was asked for."""


class IdentityRestricted(Record):
    """A token or a user was revoked, or a user limited to a tier."""

    event_name: Literal["identity.restricted"] = "identity.restricted"
    restriction: Literal["token_revoked", "user_revoked", "tier_limited"]
    """One token, all tokens of a user so far, or the highest tier that a user has from now on."""
    user_id: Personal | None = None
    """The user that it is about. Absent when it is about one token."""
    token_id: Identifier | None = None
    """The token that it is about, by its `jti`."""
    issuer: Identifier | None = None
    """Only tokens of this issuer; absent when of any."""
    tier_limit: TierWord | None = None
    """The highest tier that the user has from now on; only of `tier_limited`."""
    reason: Sentence
    """Why, as whoever did it says."""
    changed_by: Personal
    """Who did it."""


class IdentityRestored(Record):
    """A restriction of a token or a user was taken back."""

    event_name: Literal["identity.restored"] = "identity.restored"
    restriction: Literal["token_revoked", "user_revoked", "tier_limited"]
    """What is no longer so."""
    user_id: Personal | None = None
    """The user that it was about."""
    token_id: Identifier | None = None
    """The token that it was about, by its `jti`."""
    issuer: Identifier | None = None
    """Only tokens of this issuer; absent when of any."""
    changed_by: Personal
    """Who took it back."""


class SessionStarted(Record):
    """A session was seen for the first time and bound to its owner and tier."""

    event_name: Literal["session.started"] = "session.started"
    session_tier: TierWord
    """The highest tier that the session can ever use."""
    department: Personal | None = None
    """From the verified identity."""
    src_ip: ShortPersonal | None = None
    """Address of the peer."""


class SessionResumed(Record):
    """A process took up a session that another process, or an earlier life of it, had opened."""

    event_name: Literal["session.resumed"] = "session.resumed"
    session_tier: TierWord
    """The highest tier that the session can ever use."""


class SessionEnded(Record):
    """A session was ended for good."""

    event_name: Literal["session.ended"] = "session.ended"
    reason: Sentence
    """Why it ended, as a sentence."""


class ManifestListed(Record):
    """A caller was shown a list of tools, resources or prompts."""

    event_name: Literal["manifest.listed"] = "manifest.listed"
    server_name: ShortName
    """The MCP server whose list it was."""
    method: ShortName
    """The MCP method, for instance `tools/list`."""
    actual_tier: TierWord
    """The caller's tier."""
    shown_count: Count
    """Entries that the caller was shown."""
    hidden_count: Count
    """Entries that the caller may not use and was not shown."""
    policy_version: ShortName
    """Which policy decided."""


class PolicyChanged(Record):
    """Another policy is in force."""

    event_name: Literal["policy.changed"] = "policy.changed"
    policy_version: ShortName
    """The policy now in force."""
    previous_policy_version: ShortName | None = None
    """The one before; absent at the start of a process."""
    policy_source: Identifier
    """The file, or where else it came from."""
    shadow_policy_version: ShortName | None = None
    """The policy that is decided beside it and only recorded; absent when there is none."""
    changes: tuple[Sentence, ...] | None = None
    """What is different, a sentence for each difference."""


class PolicyRejected(Record):
    """A policy file was refused; the one before stays in force."""

    event_name: Literal["policy.rejected"] = "policy.rejected"
    policy_version: ShortName
    """The policy that stays in force."""
    policy_source: Identifier
    """The file that was refused."""
    reason: Sentence
    """What is wrong, with file and line."""


class HookRan(Record):
    """An external action of a hook was run to its end."""

    event_name: Literal["hook.ran"] = "hook.ran"
    hook_id: Identifier
    """The hook, by its name in the policy."""
    hook_event: ShortName
    """The moment that it hangs on."""
    hook_action: Literal["command", "webhook"]
    """What was run."""
    hook_outcome: Literal["passed", "denied"]
    """What it said. One that is only told of something always passes."""
    latency_ms: Milliseconds
    """What it took, with all tries, in milliseconds."""
    reason: Sentence | None = None
    """Why it denied, in its own words."""
    execution_id: Identifier | None = None
    """The decision that it belongs to."""


class HookFailed(Record):
    """An external action of a hook failed or ran into its time limit."""

    event_name: Literal["hook.failed"] = "hook.failed"
    hook_id: Identifier
    """The hook, by its name in the policy."""
    hook_event: ShortName
    """The moment that it hangs on."""
    reason: Sentence
    """What went wrong, as a sentence."""
    execution_id: Identifier | None = None
    """The decision that it belongs to."""


class RateStoreFailed(Record):
    """The shared store of the rate limits does not answer this process, which goes on without it."""

    event_name: Literal["rate_store.failed"] = "rate_store.failed"
    store: ShortName
    """Which kind of store: `postgres` or `valkey`."""
    reason: Sentence
    """What went wrong, as a sentence."""


class RateStoreRecovered(Record):
    """The shared store of the rate limits answers this process again."""

    event_name: Literal["rate_store.recovered"] = "rate_store.recovered"
    store: ShortName
    """Which kind of store: `postgres` or `valkey`."""
    reason: Sentence
    """What had gone wrong, as a sentence."""


class LifecycleReported(PeerKeys):
    """One of the ten moments that agents report. What was said or came out is never in it, only how long it was."""

    event_name: LifecycleName
    hook_source: ShortName | None = None
    """The kind of agent that reported it, for instance `claude-code`; absent where it was seen here."""
    server_name: ShortName | None = None
    """The server of the policy that the agent's own tools are under."""
    tool_name: Identifier | None = None
    """The agent's tool, where the moment is about one."""
    call_id: Identifier | None = None
    """The agent's own id of that use of the tool."""
    execution_id: Identifier | None = None
    """The decision that it belongs to; absent where there is none, or none was found."""
    lifecycle_reason: ShortName | None = None
    """Why, or of what kind, in the agent's word: how a session began or ended, which notification, which subagent."""
    permission_mode: ShortName | None = None
    """How the agent asks its user, in its own word, for instance `plan` or `bypassPermissions`."""
    working_directory: Personal | None = None
    """The folder that the agent works in."""
    content_digest: ShortName | None = None
    """Digest of what was said or came out, made as `arguments_digest` is."""
    content_bytes: Count | None = None
    """How long that was, as JSON."""


class AuditHeartbeat(Record):
    """The record is alive. Comes every minute, so that silence shows; counts are since the process started."""

    event_name: Literal["audit.heartbeat"] = "audit.heartbeat"
    allowed_count: Count
    """Calls allowed."""
    denied_count: Count
    """Calls denied."""
    completed_count: Count
    """Outcomes recorded."""
    exported_count: Count
    """Events that sinks have acknowledged."""


class AuditCheckpoint(Record):
    """A signed statement of the chain's head at one moment."""

    event_name: Literal["audit.checkpoint"] = "audit.checkpoint"
    checkpoint_seq: Count
    """`seq` of the event that the statement is about."""
    checkpoint_hash: ShortName
    """`event_hash` of that event."""
    key_id: ShortName
    """The key that signed."""
    signature: Identifier
    """Over chain, position and hash."""


class AuditGap(Record):
    """A reader was too slow or a record is missing: events between the two positions were not delivered."""

    event_name: Literal["audit.gap"] = "audit.gap"
    sink_name: ShortName
    """The reader."""
    first_missing_seq: Count
    """The first position that was not delivered."""
    last_missing_seq: Count
    """The last one."""
    reason: Sentence
    """Why, as a sentence."""


class AuditSinkFailed(Record):
    """A sink takes no events, or refused one for ever."""

    event_name: Literal["audit.sink_failed"] = "audit.sink_failed"
    sink_name: ShortName
    """The sink, by its name in the settings."""
    cursor_seq: Count
    """Everything up to here has been acknowledged or put aside."""
    reason: Sentence
    """What went wrong, as a sentence."""
    quarantined_seq: Count | None = None
    """The event that was put aside; absent when all of them wait."""


class AuditSinkRecovered(Record):
    """A failed sink takes events again."""

    event_name: Literal["audit.sink_recovered"] = "audit.sink_recovered"
    sink_name: ShortName
    """The sink, by its name in the settings."""
    cursor_seq: Count
    """Everything up to here has been acknowledged or put aside."""


Event = Annotated[
    ToolCallDecided
    | ToolCallCompleted
    | ExecutionOrphaned
    | ScannerDetected
    | IdentityRefused
    | IdentityRestricted
    | IdentityRestored
    | SessionStarted
    | SessionResumed
    | SessionEnded
    | ManifestListed
    | PolicyChanged
    | PolicyRejected
    | HookRan
    | HookFailed
    | RateStoreFailed
    | RateStoreRecovered
    | LifecycleReported
    | AuditHeartbeat
    | AuditCheckpoint
    | AuditGap
    | AuditSinkFailed
    | AuditSinkRecovered,
    Field(discriminator="event_name"),
]

SENSITIVE_KEYS = sensitive_keys(get_args(get_args(Event)[0]))
"""The keys of all events that hold personal data."""

EVENT_ADAPTER: TypeAdapter[Event] = TypeAdapter(Event)
"""Reads an event of any kind from JSON or from a dict; raises pydantic's ValidationError."""
