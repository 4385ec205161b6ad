"""An event as an OpenTelemetry log record, without any package of OpenTelemetry.

Each key of the event stands in exactly one place of the record: a field of the record or of its resource, an
attribute of OpenTelemetry's conventions where one means the same, else `mcp_governance.KEY`; `mcp.*` and
`gen_ai.*` belong to OpenTelemetry, so nothing of ours is put there. Some attributes are given besides, derived
from the keys. What is known to be absent on purpose:

- `mcp.session.id`: it must not be set for peers that speak 2026-07-28 or newer, and the event does not tell the
  peer's version; the governance session is `session.id`.
- `error.type` of a denial: it would be the JSON-RPC code, which for a hidden tool is that of an unknown one; the
  denial is told by `mcp_governance.decision` and `security_rule.*`.
- `gen_ai.tool.call.id`: the model's own id of the call, which MCP does not carry to the server.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import cast

import orjson

from gatetrail.clock import from_rfc3339
from gatetrail.severity import SEVERITIES, Severity
from gatetrail.words import ExecutionStatus, Level

NAMESPACE = "mcp_governance."
"""Before our event names, and before each key that OpenTelemetry has no name for."""

SERVICE_NAME = "gatetrail"
"""`service.name` of every record's resource."""

SCHEMA_URL = "https://opentelemetry.io/schemas/gen-ai-dev/1.42.0-dev"
"""Of the conventions for GenAI and MCP, from `model/manifest.yaml` of open-telemetry/semantic-conventions-genai. In
development, as they are. The URL of the main conventions would be wrong: those deprecated both namespaces in 1.42."""

Attribute = str | bool | int | float | list[str]
"""What the value of a key can be."""

_SCALARS = (str, int, float)
_IN_FIELDS = frozenset(
    ("@timestamp", "event_name", "instance_id", "level", "message", "product_version", "span_id", "trace_id")
)
_TRACE = re.compile(r"[0-9a-f]{32}")
_SPAN = re.compile(r"[0-9a-f]{16}")

_NAMES = {
    "call_id": "jsonrpc.request.id",
    "context_id": "gen_ai.conversation.id",
    "event_id": "log.record.uid",  # "records with the same id are duplicates": what at-least-once delivery needs
    "http_user_agent": "user_agent.original",
    "roles": "user.roles",
    "session_id": "session.id",
    "src_ip": "client.address",
    "tool_name": "gen_ai.tool.name",
    "user_id": "user.id",
}
_CALL_NAMES = _NAMES | {"method": "mcp.method.name"}
_DOOR_NAMES = _NAMES | {"endpoint": "url.path"}
_PER_EVENT = {
    "tool_call.decided": _CALL_NAMES,
    "tool_call.completed": _CALL_NAMES,
    "manifest.listed": _CALL_NAMES,
    "scanner.detected": _DOOR_NAMES,
    "identity.refused": _DOOR_NAMES,
}
_TARGETS = {
    "tools/call": "gen_ai.tool.name",
    "prompts/get": "gen_ai.prompt.name",
    "resources/read": "mcp.resource.uri",
    "resources/subscribe": "mcp.resource.uri",
    "resources/unsubscribe": "mcp.resource.uri",
}
"""What `tool_name` names in a call of a method; of any other method it is our own word for the call."""

_HTTP_METHODS = frozenset(("CONNECT", "DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT", "QUERY", "TRACE"))
_FAILURES = frozenset((ExecutionStatus.FAILED.value, ExecutionStatus.TIMEOUT.value))


@dataclass(frozen=True, slots=True)
class OtelResource:
    """Which process wrote the event: that which decided, not that which exports."""

    service_version: str
    service_instance_id: str


@dataclass(frozen=True, slots=True)
class OtelRecord:
    """One LogRecord. Body and attributes hold what the event says, the rest is for readers that know no event."""

    resource: OtelResource
    event_name: str
    """`mcp_governance.tool_call.decided` and so on."""
    time_unix_nano: int
    """Of `@timestamp`, so in steps of 1,000."""
    severity: Severity
    trace_id: bytes
    """16 bytes, or none at all."""
    span_id: bytes
    """8 bytes, or none at all; never without a trace id."""
    body: str
    attributes: dict[str, Attribute]


def otel_record(line: bytes, body: str | None = None) -> OtelRecord:
    """The log record of an event's native line.

    The body is the event's message, unless another text is given: then the message is the attribute
    `mcp_governance.message`. Raises ValueError for what is no event of ours.
    """
    keys = _keys_of(line)
    trace_id = _id_bytes(keys, "trace_id", _TRACE)
    span_id = _id_bytes(keys, "span_id", _SPAN) if trace_id else b""
    attributes = dict(_attributes(keys))
    if not trace_id:
        _keep(attributes, keys, "trace_id")
    if not span_id:
        _keep(attributes, keys, "span_id")
    if body is not None:
        _keep(attributes, keys, "message")
    attributes.update(_derived(keys))
    return OtelRecord(
        resource=OtelResource(_text(keys, "product_version"), _text(keys, "instance_id")),
        event_name=NAMESPACE + _text(keys, "event_name"),
        time_unix_nano=from_rfc3339(_text(keys, "@timestamp")) * 1000,
        severity=SEVERITIES[Level(_text(keys, "level"))],
        trace_id=trace_id,
        span_id=span_id,
        body=_text(keys, "message") if body is None else body,
        attributes=attributes,
    )


def _keys_of(line: bytes) -> Mapping[str, Attribute]:
    parsed: object = orjson.loads(line)
    if not isinstance(parsed, dict):
        raise ValueError("it is JSON, but no object")  # noqa: TRY004 our callers know ValueError
    keys = cast("dict[str, object]", parsed)
    for key, value in keys.items():
        if not isinstance(value, _SCALARS) and not _is_texts(value):
            raise ValueError(f"its key {key} is neither a text, a number, a truth value nor a list of texts")
    return cast("dict[str, Attribute]", keys)


def _is_texts(value: object) -> bool:
    return isinstance(value, list) and all(isinstance(part, str) for part in cast("list[object]", value))


def _text(keys: Mapping[str, Attribute], key: str) -> str:
    value = keys.get(key)
    if not isinstance(value, str):
        raise ValueError(f"its key {key} is missing or no text")  # noqa: TRY004 the same
    return value


def _id_bytes(keys: Mapping[str, Attribute], key: str, form: re.Pattern[str]) -> bytes:
    value = keys.get(key)
    if not isinstance(value, str) or not form.fullmatch(value) or not value.strip("0"):
        return b""
    return bytes.fromhex(value)


def _keep(attributes: dict[str, Attribute], keys: Mapping[str, Attribute], key: str) -> None:
    if key in keys:
        attributes[NAMESPACE + key] = keys[key]


def _attributes(keys: Mapping[str, Attribute]) -> Iterator[tuple[str, Attribute]]:
    """One attribute for each key that has no field of its own."""
    names = _PER_EVENT.get(str(keys.get("event_name")), _NAMES)
    method = keys.get("method")
    for key, value in keys.items():
        if key in _IN_FIELDS:
            continue
        if key == "tool_name" and isinstance(method, str):
            yield _TARGETS.get(method, NAMESPACE + key), value
        elif key == "method" and names is _DOOR_NAMES:
            yield "http.request.method" if value in _HTTP_METHODS else "http.request.method_original", value
        else:
            yield names.get(key) or NAMESPACE + key, value


def _derived(keys: Mapping[str, Attribute]) -> Iterator[tuple[str, Attribute]]:
    """What readers of the conventions look for, told a second time in their words."""
    event_name, method = keys.get("event_name"), keys.get("method")
    if event_name == "scanner.detected" and "method" in keys and method not in _HTTP_METHODS:
        yield "http.request.method", "_OTHER"
    elif method == "tools/call":
        yield "gen_ai.operation.name", "execute_tool"
    if keys.get("caller_type") == "a2a" and "client_id" in keys:
        yield "gen_ai.agent.id", keys["client_id"]
    if keys.get("execution_status") in _FAILURES:
        timeout = keys["execution_status"] == ExecutionStatus.TIMEOUT
        yield "error.type", "timeout" if timeout else keys.get("error_class", "_OTHER")
    if keys.get("decision") == "deny":
        yield from _rule(keys)


def _rule(keys: Mapping[str, Attribute]) -> Iterator[tuple[str, Attribute]]:
    """The rule that denied: its kind is the gate, its set is the policy."""
    for key, name in (
        ("gate", "security_rule.category"),
        ("rule_id", "security_rule.name"),
        ("policy_version", "security_rule.version"),
    ):
        if key in keys:
            yield name, keys[key]
    yield "security_rule.ruleset.name", "gatetrail policy"
