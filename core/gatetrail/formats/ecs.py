"""An event in the Elastic Common Schema 9.4.

What ECS has no field for goes to `mcp_governance.KEY` under the event's own key, as do keys that a later version
adds. That namespace, rather than the product's name, is the one that the OpenTelemetry attributes have as well,
so that a search written for one finds the other. `client_id` and `actual_tier` stand there and, where they mean
the same, in `gen_ai.agent.id` and `user.roles`.

Audit events about the trail itself fit none of ECS' categories; the schema says to leave the field out then.
"""

from __future__ import annotations

from typing import assert_never, cast

from gatetrail.events.journal import Entry
from gatetrail.formats.addresses import is_ip
from gatetrail.formats.keys import Keys, read
from gatetrail.formats.kinds import Kind
from gatetrail.formats.moments import epoch_ms
from gatetrail.formats.outcomes import outcome_of
from gatetrail.formats.texts import json_line
from gatetrail.severity import SEVERITIES
from gatetrail.words import Level

ECS_VERSION = "9.4.0"
NAMESPACE = "mcp_governance"
DATASET = f"{NAMESPACE}.audit"

Object = dict[str, object]

Categories = tuple[tuple[str, ...], tuple[str, ...]]
"""`event.category` and `event.type`."""

TOOL_METHODS = frozenset(("tools/call", None))
"""Of calls whose `tool_name` names a tool; of others it names a resource, a prompt or a list."""


def ecs(entry: Entry) -> bytes:
    """The event as one line of JSON. Raises ValueError for what is no event of ours."""
    return json_line(ecs_object(entry.line))


def ecs_object(line: bytes) -> Object:
    """The document of a native line; keys that nothing is known of are absent."""
    keys = read(line)
    timestamp = keys.needed("@timestamp")
    epoch_ms(timestamp)
    level = Level(keys.needed("level"))
    document: Object = {
        "@timestamp": timestamp,
        "ecs": {"version": ECS_VERSION},
        "log": {"level": level.value},
        "message": keys.needed("message"),
        "event": _event(keys, level),
        "service": _service(keys),
    }
    _put_ids(keys, document)
    _put_client(keys, document)
    _put_rule(keys, document)
    _put_tool(keys, document)
    _put_error(keys, document)
    document[NAMESPACE] = keys.rest()
    return document


def categorized(kind: Kind, event_name: str, *, denied: bool) -> Categories:  # noqa: C901, PLR0911, PLR0912 -- one for each kind
    """What kind of thing it is: only pairs that ECS lists as expected; both empty where none fits."""
    match kind:
        case Kind.TOOL_CALL_DECIDED:
            return ("api",), ("access", "denied") if denied else ("access", "allowed", "start")
        case Kind.TOOL_CALL_COMPLETED | Kind.EXECUTION_ORPHANED:
            return ("api",), ("access", "end")
        case Kind.SCANNER_DETECTED:
            return ("intrusion_detection",), ("denied",)
        case Kind.IDENTITY_REFUSED:
            return ("authentication",), ("start",)
        case Kind.IDENTITY_RESTRICTED | Kind.IDENTITY_RESTORED:
            return ("iam",), ("user", "change")
        case Kind.SESSION_STARTED:
            return ("session",), ("start",)
        case Kind.SESSION_RESUMED:
            return ("session",), ("info",)
        case Kind.SESSION_ENDED:
            return ("session",), ("end",)
        case Kind.MANIFEST_LISTED:
            return ("api",), ("access",)
        case Kind.POLICY_CHANGED | Kind.POLICY_REJECTED:
            return ("configuration",), ("change",)
        case Kind.HOOK_RAN | Kind.HOOK_FAILED:
            return ("api",), ("info",)
        case Kind.LIFECYCLE:
            return _LIFECYCLE[event_name]
        case Kind.AUDIT_HEARTBEAT | Kind.AUDIT_CHECKPOINT | Kind.AUDIT_GAP:
            return (), ()
        case Kind.AUDIT_SINK_FAILED | Kind.AUDIT_SINK_RECOVERED:
            return (), ()
        case Kind.RATE_STORE_FAILED | Kind.RATE_STORE_RECOVERED:
            return (), ()
        case _:
            assert_never(kind)


_LIFECYCLE = {
    "lifecycle.pre_tool_use": (("api",), ("start",)),
    "lifecycle.post_tool_use": (("api",), ("end",)),
    "lifecycle.post_tool_use_failure": (("api",), ("end",)),
    "lifecycle.session_start": (("session",), ("start",)),
    "lifecycle.session_end": (("session",), ("end",)),
    "lifecycle.user_prompt_submit": (("api",), ("info",)),
    "lifecycle.notification": (("api",), ("info",)),
    "lifecycle.stop": (("api",), ("end",)),
    "lifecycle.subagent_start": (("session",), ("start",)),
    "lifecycle.subagent_stop": (("session",), ("end",)),
}


def _event(keys: Keys, level: Level) -> Object:
    keys.take("severity_id")
    category, types = categorized(keys.kind, keys.event_name, denied=keys.look("decision") == "deny")
    event: Object = {
        "id": keys.needed("event_id"),
        "action": keys.needed("event_name"),
        "kind": "alert" if keys.kind is Kind.SCANNER_DETECTED else "event",
        "outcome": outcome_of(keys).value,
        "severity": SEVERITIES[level].ocsf_id,
        "module": NAMESPACE,
        "dataset": DATASET,
    }
    if category:
        event["category"], event["type"] = category, types
    latency_ms = keys.number("latency_ms")
    if latency_ms is not None:
        event["duration"] = round(latency_ms * 1_000_000)  # nanoseconds
    for key, name in _EVENT_FIELDS:
        _move(keys, key, event, name)
    return event


_EVENT_FIELDS = (
    ("vendor_product", "provider"),
    ("reason_code", "code"),
    ("reason", "reason"),
    ("seq", "sequence"),
    ("event_hash", "hash"),
)


def _move(keys: Keys, key: str, place: Object, name: str) -> None:
    value = keys.take(key)
    if value is not None:
        place[name] = value


def _service(keys: Keys) -> Object:
    """Ours; the MCP server is its target."""
    service: Object = {"name": "gatetrail"}
    _move(keys, "product_version", service, "version")
    instance, server = keys.text("instance_id"), keys.text("server_name")
    if instance is not None:
        service["node"] = {"name": instance}
    if server is not None:
        service["target"] = {"name": server}
    return service


def _put_ids(keys: Keys, document: Object) -> None:
    trace, span = keys.text("trace_id"), keys.text("span_id")
    if trace is not None:
        document["trace"] = {"id": trace}
    if span is not None:
        document["span"] = {"id": span}
    user: Object = {}
    user_id = keys.text("user_id")
    if user_id is not None:
        user["id"] = user_id
        document["related"] = {"user": [user_id]}
    tier = keys.look("actual_tier")
    roles = [*([tier] if tier else []), *keys.texts("roles")]
    if roles:
        user["roles"] = roles
    if user:
        document["user"] = user


def _put_client(keys: Keys, document: Object) -> None:
    address, agent = keys.text("src_ip"), keys.text("http_user_agent")
    if address is not None:
        document["client"] = document["source"] = _endpoint(address)
        if is_ip(address):
            document["related"] = {**_object(document, "related"), "ip": [address]}
    if agent is not None:
        document["user_agent"] = {"original": agent}
    if keys.kind in {Kind.SCANNER_DETECTED, Kind.IDENTITY_REFUSED}:
        path, method = keys.text("endpoint"), keys.text("method")
        if path is not None:
            document["url"] = {"path": path}
        if method is not None:
            document["http"] = {"request": {"method": method}}


def _endpoint(address: str) -> Object:
    return {"address": address, "ip": address} if is_ip(address) else {"address": address}


def _object(document: Object, name: str) -> Object:
    return cast("Object", document.get(name, {}))


def _put_rule(keys: Keys, document: Object) -> None:
    """The gate that denied, within its policy."""
    gate, version = keys.look("gate"), keys.text("policy_version")
    rule: Object = {}
    if version is not None:
        rule["ruleset"], rule["version"] = "gatetrail policy", version
    if gate is not None and keys.look("decision") == "deny":
        rule["name"], rule["category"] = gate, gate
        code = _object(document, "event").get("code")
        if code is not None:
            rule["id"] = code
    if rule:
        document["rule"] = rule


def _put_tool(keys: Keys, document: Object) -> None:
    gen_ai: Object = {}
    call, method = keys.text("call_id"), keys.look("method")
    if call is not None:
        gen_ai["tool"] = {"call": {"id": call}}
    if method in TOOL_METHODS:
        tool = keys.text("tool_name")
        if tool is not None:
            gen_ai["tool"] = {"name": tool, **_object(gen_ai, "tool")}
    if method == "tools/call":
        gen_ai["operation"] = {"name": "execute_tool"}
    if keys.look("caller_type") == "a2a":
        client = keys.look("client_id")
        if client is not None:
            gen_ai["agent"] = {"id": client}
    if gen_ai:
        document["gen_ai"] = gen_ai


def _put_error(keys: Keys, document: Object) -> None:
    error_class = keys.text("error_class")
    if error_class is not None:
        document["error"] = {"type": error_class}
