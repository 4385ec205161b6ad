"""The objects of OCSF that several classes share, made from an event's keys."""

from __future__ import annotations

from gatetrail.formats.addresses import is_ip
from gatetrail.formats.keys import Keys
from gatetrail.words import GateName

Object = dict[str, object]

PRODUCT = "Gatetrail"

UNKNOWN = "unknown"
"""The name of what OCSF demands and the event does not tell."""

USER_TYPES = {
    "admin": (2, "Admin"),
    "user": (1, "User"),
    "service": (4, "Service"),
    "a2a": (4, "Service"),
    "mcp": (4, "Service"),
    "anonymous": (0, "Unknown"),
}
"""`type_id` and `type` of a user, by our `caller_type`."""

HTTP_METHODS = frozenset(("OPTIONS", "GET", "HEAD", "POST", "PUT", "DELETE", "TRACE", "CONNECT", "PATCH"))
"""What `http_request.http_method` may be."""


def without_absent(**values: object) -> Object:
    """The object of what is known."""
    return {name: value for name, value in values.items() if value is not None}


def actor(keys: Keys) -> Object:
    """Who acted, as far as the ids tell; empty when they tell nothing."""
    user_id, session, client = keys.text("user_id"), keys.text("session_id"), keys.text("client_id")
    roles: list[Object] = [{"name": role} for role in keys.texts("roles")]
    told: Object = {}
    if user_id is not None or roles:
        told["user"] = user(user_id, keys.look("caller_type"), roles)
    if session is not None:
        told["session"] = {"uid": session}
    if client is not None:
        told["app_uid"] = client
    return told


def user(identifier: str | None, caller_type: str | None = None, groups: list[Object] | None = None) -> Object:
    """A user, known or not."""
    told: Object = {"uid": identifier} if identifier is not None else {"name": UNKNOWN}
    if caller_type in USER_TYPES:
        told["type_id"], told["type"] = USER_TYPES[caller_type]
    if groups:
        told["groups"] = groups
    return told


def source(keys: Keys) -> Object:
    """Where it came from. Only what is an address goes to the typed field."""
    address = keys.text("src_ip")
    if address is None:
        return {"name": UNKNOWN}
    return {"ip": address} if is_ip(address) else {"name": address}


def http_request(keys: Keys, *, path: bool) -> Object:
    """The request; with `path`, the event's `endpoint` and `method` are those of HTTP. Empty when nothing is known."""
    told = without_absent(user_agent=keys.text("http_user_agent"))
    if path:
        endpoint = keys.text("endpoint")
        if endpoint is not None:
            told["url"] = {"path": endpoint}
        if keys.look("method") in HTTP_METHODS:
            told["http_method"] = keys.text("method")
    return told


def put_trace(keys: Keys, told: Object, end_ms: int) -> None:
    """The trace. A span of OCSF has a beginning and an end, so only an outcome has one; else its id is unmapped."""
    trace_id, latency_ms = keys.text("trace_id"), keys.look_number("latency_ms")
    if trace_id is None:
        return
    trace: Object = {"uid": trace_id}
    told["trace"] = trace
    if latency_ms is not None and keys.look("span_id") is not None:
        took_ms = round(latency_ms)
        trace["span"] = {
            "uid": keys.needed("span_id"),
            "start_time": end_ms - took_ms,
            "end_time": end_ms,
            "duration": took_ms,
        }


def put_decision(keys: Keys, told: Object) -> None:
    """What the gates said: `security_control` and `authorizations`. An allowed call has gate `none`."""
    decision = keys.text("decision")
    if decision is None:
        return
    denied = decision == "deny"
    gate = keys.text("gate") or GateName.NONE.value
    policy = without_absent(
        name=gate,
        type="gate",
        is_applied=denied,
        uid=keys.text("rule_id"),
        version=keys.text("policy_version"),
    )
    told["policy"] = policy
    told["authorizations"] = [{"decision": decision, "policy": policy}]
    told["action_id"], told["action"] = (2, "Denied") if denied else (1, "Allowed")
    told["disposition_id"], told["disposition"] = (2, "Blocked") if denied else (1, "Allowed")
    told["is_alert"] = denied and gate == GateName.SCANNER
