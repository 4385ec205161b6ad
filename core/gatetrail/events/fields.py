"""The groups of keys that events share. One flat object: no key holds another object."""

from __future__ import annotations

from functools import cache
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field

from gatetrail.events.classes import PUBLIC, SENSITIVE, add_classes
from gatetrail.words import ExecutionStatus, GateName, GateOutcome, Level, ReasonCode

SCHEMA_VERSION: Literal["1.0"] = "1.0"
"""Grows in its second number when keys are added; a first number never loses or retypes a key."""

Identifier = Annotated[str, Field(max_length=256), PUBLIC]
ShortName = Annotated[str, Field(max_length=128), PUBLIC]
Sentence = Annotated[str, Field(max_length=500), PUBLIC]
"""Repeats what other keys show, and nothing that they do not."""
Hash = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$"), PUBLIC]
Personal = Annotated[str, Field(max_length=256), SENSITIVE]
ShortPersonal = Annotated[str, Field(max_length=128), SENSITIVE]
Preview = Annotated[str, Field(max_length=2000), SENSITIVE]
Timestamp = Annotated[str, Field(pattern=r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$"), PUBLIC]
Count = Annotated[int, Field(ge=0)]
Milliseconds = Annotated[int | float, Field(ge=0, le=1e12)]
"""Three decimals at most, and an int when there are none: so that the text is the canonical one (RFC 8785)."""

ID_KEYS = ("trace_id", "span_id", "user_id", "session_id", "context_id", "client_id", "task_id")
"""The six ids that every event has when they are known, and the span."""

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
"""The ten moments that agents report."""

TierWord = Literal["admin", "user", "service", "a2a", "mcp", "anonymous"]


class Record(BaseModel):
    """Keys that every event has, and the ids that it has when they are known."""

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True, json_schema_extra=add_classes)

    timestamp: Timestamp = Field(alias="@timestamp")
    """RFC 3339 in UTC with microseconds: when it happened, not when it was stored."""
    schema_version: Literal["1.0"] = SCHEMA_VERSION
    """Of this shape. The second number rises when keys are added; no key is lost or retyped within a first number."""
    event_id: Identifier
    """UUIDv7 text; every copy of the event has the same, so readers drop doubles by it."""
    level: Level
    """How loud it is; the only word for that in an event."""
    severity_id: Annotated[int, Field(ge=1, le=5)]
    """The same as a number, as OCSF counts: 1 informational, 2 low, 3 medium, 4 high, 5 critical."""
    message: Sentence
    """One sentence for people. Programs read the other keys."""
    vendor_product: Literal["Gatetrail"] = "Gatetrail"
    """Always the same, so that searches find the product."""
    product_version: ShortName
    """The release that wrote it."""
    instance_id: Identifier
    """Which process wrote it."""

    trace_id: Identifier | None = None
    """W3C Trace Context: 32 lower-case hexadecimal digits. Every call has one, its own or a new one."""
    span_id: Identifier | None = None
    """W3C Trace Context: 16 lower-case hexadecimal digits."""
    user_id: Personal | None = None
    """Who is answerable: the subject of the verified identity. Absent for anonymous callers."""
    session_id: Personal | None = None
    """The session that roles and tier are bound to, from the token or from the transport."""
    context_id: Identifier | None = None
    """The conversation or run, as the client names it."""
    client_id: Identifier | None = None
    """The program that asked, for instance an agent."""
    task_id: Identifier | None = None
    """The task that the call is a part of, as the client names it."""

    seq: Annotated[int, Field(ge=1)] | None = None
    """Position in the journal, without holes. Set by the journal, as are the three below."""
    chain_id: Identifier | None = None
    """Names the hash chain; one for each journal."""
    prev_hash: Hash | None = None
    """`event_hash` of the event before; 64 zeros in the first."""
    event_hash: Hash | None = None
    """SHA-256 of this line (RFC 8785 form) without this key, in lower-case hexadecimal digits."""

    @classmethod
    def trusted(cls, keys: dict[str, Any]) -> Self:
        """An event of values that this package has made or cleaned itself, which are not validated once more.

        For the two events that every call waits for. A property test holds that what is made in this way is
        what validation would have given.
        """
        event = cls.__new__(cls)
        put = object.__setattr__
        put(event, "__dict__", _defaults(cls) | keys)
        put(event, "__pydantic_fields_set__", _names(cls))
        put(event, "__pydantic_extra__", None)
        put(event, "__pydantic_private__", None)
        return event


@cache
def _defaults(kind: type[Record]) -> dict[str, Any]:
    return {name: field.get_default() for name, field in kind.model_fields.items() if not field.is_required()}


@cache
def _names(kind: type[Record]) -> set[str]:
    return set(kind.model_fields)


class PeerKeys(Record):
    """Who was on the other end of the wire."""

    src_ip: ShortPersonal | None = None
    """Address of the peer."""
    http_user_agent: Personal | None = None
    """What the client says that it is; proves nothing."""


class CallerKeys(PeerKeys):
    """Who asked, and over which wire."""

    caller_type: TierWord
    """What kind of party asked, as its token says."""
    actual_tier: TierWord
    """The tier in force: the lowest of token and session."""
    rate_limit_tier: TierWord
    """The tier whose allowance of calls was used."""
    auth_method: Literal["bearer", "proxy", "embedded", "none"]
    """How the identity was proven; `none` for anonymous callers."""
    department: Personal | None = None
    """From the verified identity."""
    roles: tuple[ShortPersonal, ...] | None = None
    """From the verified identity; cut when they are too many."""


class CallKeys(CallerKeys):
    """What was asked for."""

    execution_id: Identifier
    """Names the decision: the id in the caller's error, in `why`, and of the execution row."""
    call_id: Identifier | None = None
    """The request's own id (JSON-RPC); unique within one connection only."""
    server_name: ShortName
    """The MCP server, by the name that the policy knows."""
    tool_name: Identifier
    """The tool, prompt or resource, as it was asked for, whether there is one or not."""
    method: ShortName
    """The MCP method, for instance `tools/call`."""
    endpoint: ShortName
    """The kind of capacity that the call uses; each has a rate of its own."""
    arguments_digest: ShortName | None = None
    """Digest of the arguments as they came, `sha256:` and 64 digits: equal arguments, equal digest. Where the policy
    has it keyed, `hmac-sha256:` and 64 digits."""
    data_domains: tuple[ShortName, ...] | None = None
    """Kinds of data that the policy says the tool touches."""


class DecisionKeys(CallKeys):
    """What the gates said."""

    decision: Literal["allow", "deny"]
    """What became of the call."""
    gate: GateName
    """The gate that denied; `none` when it was allowed."""
    reason_code: ReasonCode
    """Why, as one word to group by."""
    arguments_preview: Preview | None = None
    """The arguments as JSON text, redacted and then cut; a cut one ends with an ellipsis. Only where the policy
    has a preview at all."""
    reason: Sentence
    """Why, as a sentence with the values that were compared."""
    scopes: tuple[ShortName, ...] | None = None
    """What the caller's proof grants, as far as there is room; a last entry of one ellipsis says that there is more."""
    audiences: tuple[ShortName, ...] | None = None
    """Whom the caller's proof is meant for, in the same way."""
    required_tier: TierWord | None = None
    """The tier that the policy demands here."""
    retry_after_ms: Annotated[int, Field(ge=0)] | None = None
    """How long to wait before asking again; only when the rate was exceeded."""
    rule_id: Identifier | None = None
    """The policy's rule that matched."""
    policy_version: ShortName
    """Which policy decided: the start of the SHA-256 of its content."""
    shadow_gate: GateName | None = None
    """The gate that would have denied had what is only tried been in force; `none`: it would have been allowed. This
    and the next four are absent when it would have been the same, or nothing is tried."""
    shadow_reason_code: ReasonCode | None = None
    """Why, as one word to group by."""
    shadow_reason: Sentence | None = None
    """Why, as a sentence."""
    shadow_rule_id: Identifier | None = None
    """The rule that would have matched."""
    shadow_policy_version: ShortName | None = None
    """The policy that is tried; absent for an entry of the policy in force that is marked `shadow`."""
    gate_scope: GateOutcome
    """What the scope gate said."""
    gate_scanner: GateOutcome
    """What the scanner gate said."""
    gate_blocklist: GateOutcome
    """What the blocklist gate said."""
    gate_rate_limit: GateOutcome
    """What the rate gate said."""
    decision_us: Annotated[int, Field(ge=0)]
    """How long the four gates took, in microseconds."""
    execution_status: ExecutionStatus
    """Where the call stands after the decision: pending when allowed, else denied."""
