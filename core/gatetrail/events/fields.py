"""The groups of keys that events share. One flat object: no key holds another object."""

from __future__ import annotations

from functools import cache
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field

from gatetrail.words import ExecutionStatus, GateName, GateOutcome, Level, ReasonCode

SCHEMA_VERSION: Literal["1.0"] = "1.0"
"""Grows in its second number when keys are added; a first number never loses or retypes a key."""

Identifier = Annotated[str, Field(max_length=256)]
ShortName = Annotated[str, Field(max_length=128)]
Sentence = Annotated[str, Field(max_length=500)]
Hash = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
Milliseconds = Annotated[int | float, Field(ge=0, le=1e12)]
"""Three decimals at most, and an int when there are none: so that the text is the canonical one (RFC 8785)."""

ID_KEYS = ("trace_id", "span_id", "user_id", "session_id", "context_id", "client_id", "task_id")
"""The six ids that every event has when they are known, and the span."""

TierWord = Literal["admin", "user", "service", "a2a", "mcp", "anonymous"]


class Record(BaseModel):
    """Keys that every event has, and the ids that it has when they are known."""

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)

    timestamp: str = Field(alias="@timestamp", pattern=r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$")
    """RFC 3339 in UTC with microseconds: when it happened, not when it was stored."""
    schema_version: Literal["1.0"] = SCHEMA_VERSION
    event_id: Identifier
    """UUIDv7 text; every copy of the event has the same, so readers drop doubles by it."""
    level: Level
    severity_id: Annotated[int, Field(ge=1, le=5)]
    message: Sentence
    vendor_product: Literal["Gatetrail"] = "Gatetrail"
    product_version: ShortName
    instance_id: Identifier
    """Which process wrote it."""

    trace_id: Identifier | None = None
    span_id: Identifier | None = None
    user_id: Identifier | None = None
    session_id: Identifier | None = None
    context_id: Identifier | None = None
    client_id: Identifier | None = None
    task_id: Identifier | None = None

    seq: Annotated[int, Field(ge=1)] | None = None
    """Position in the journal, without holes. Set by the journal, as are the three below."""
    chain_id: Identifier | None = None
    prev_hash: Hash | None = None
    event_hash: Hash | None = None

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


class CallerKeys(Record):
    """Who asked, and over which wire."""

    caller_type: TierWord
    actual_tier: TierWord
    rate_limit_tier: TierWord
    auth_method: Literal["bearer", "proxy", "embedded", "none"]
    department: Identifier | None = None
    roles: tuple[ShortName, ...] | None = None
    src_ip: ShortName | None = None
    http_user_agent: Identifier | None = None


class CallKeys(CallerKeys):
    """What was asked for."""

    execution_id: Identifier
    """Names the decision: the id in the caller's error, in `why`, and of the execution row."""
    call_id: Identifier | None = None
    server_name: ShortName
    tool_name: Identifier
    method: ShortName
    endpoint: ShortName
    arguments_digest: ShortName | None = None
    data_domains: tuple[ShortName, ...] | None = None


class DecisionKeys(CallKeys):
    """What the gates said."""

    decision: Literal["allow", "deny"]
    gate: GateName
    reason_code: ReasonCode
    reason: Sentence
    required_tier: TierWord | None = None
    retry_after_ms: Annotated[int, Field(ge=0)] | None = None
    rule_id: Identifier | None = None
    policy_version: ShortName
    gate_scope: GateOutcome
    gate_scanner: GateOutcome
    gate_blocklist: GateOutcome
    gate_rate_limit: GateOutcome
    decision_us: Annotated[int, Field(ge=0)]
    execution_status: ExecutionStatus
