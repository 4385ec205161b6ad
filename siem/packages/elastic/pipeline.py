"""The ingest pipeline: puts ECS beside an event's own keys, and takes none of those away.

What each kind of event is to ECS (category, type, outcome, severity) is asked of the product's own
`gatetrail.formats`, so that both ways into Elasticsearch, this pipeline and the sinks' format `ecs`, say the same.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from gatetrail.formats.ecs import DATASET, ECS_VERSION, NAMESPACE
from siem.packages.elastic.kinds import categories, listed, outcomes, severities
from siem.packages.elastic.names import CUSTOM, VERSION

Processor = dict[str, dict[str, Any]]

MOVES: Sequence[tuple[str, str]] = (
    ("level", "log.level"),
    ("event_id", "event.id"),
    ("event_name", "event.action"),
    ("vendor_product", "event.provider"),
    ("reason_code", "event.code"),
    ("reason", "event.reason"),
    ("seq", "event.sequence"),
    ("event_hash", "event.hash"),
    ("product_version", "service.version"),
    ("instance_id", "service.node.name"),
    ("server_name", "service.target.name"),
    ("trace_id", "trace.id"),
    ("span_id", "span.id"),
    ("user_id", "user.id"),
    ("http_user_agent", "user_agent.original"),
    ("src_ip", "client.address"),
    ("src_ip", "source.address"),
    ("policy_version", "rule.version"),
    ("call_id", "gen_ai.tool.call.id"),
    ("error_class", "error.type"),
)
"""Keys whose value is that of an ECS field as it stands."""

REQUESTS = ("scanner.detected", "identity.refused")
"""Kinds in which `endpoint` and `method` are HTTP's."""

DURATION = (
    "if (ctx.latency_ms instanceof Double || ctx.latency_ms instanceof Float) { "
    "ctx.event.duration = (long) Math.rint(ctx.latency_ms * 1000000.0); "
    "} else { ctx.event.duration = ctx.latency_ms * 1000000L; }"
)
"""Nanoseconds."""

ROLES = (
    "def roles = new ArrayList(); "
    "if (ctx.actual_tier != null && ctx.actual_tier != '') { roles.add(ctx.actual_tier); } "
    "if (ctx.roles != null) { roles.addAll(ctx.roles); } "
    "if (!roles.isEmpty()) { if (ctx.user == null) { ctx.user = new HashMap(); } ctx.user.roles = roles; }"
)
"""The tier first, then the roles of the token."""

LINE = "gatetrail_line"
"""Where a decoded line stands until it is known to be an event; no document keeps it."""

NO_EVENT = "is no event of Gatetrail with a schema_version that begins with 1."

LONGEST_ADDRESS = 40
"""As in `gatetrail.formats.addresses`."""


def pipeline() -> dict[str, Any]:
    """As `PUT _ingest/pipeline/...` takes it: with what Fleet would add by itself."""
    tail = [
        _set("event.ingested", "{{{_ingest.timestamp}}}", "ingested"),
        {
            "pipeline": {
                "name": CUSTOM,
                "ignore_missing_pipeline": True,
                "tag": "custom",
                "description": "Yours, if there is one",
            }
        },
    ]
    return {**package_pipeline(), "processors": [*processors(), *tail], "_meta": {"package": VERSION}}


def package_pipeline() -> dict[str, Any]:
    """As it stands in the integration package; Fleet adds `event.ingested` and the custom pipelines."""
    return {
        "description": "ECS 9.4 beside the keys of a Gatetrail event; none of those is changed",
        "processors": list(processors()),
        "on_failure": list(on_failure()),
    }


def processors() -> Iterator[Processor]:
    """In the order of running."""
    yield from _decoded()
    yield from _constants()
    for key, field in MOVES:
        yield _copy(key, field)
    yield from _told_by_kind()
    yield from _address()
    yield from _policy()
    yield from _tool()
    yield _script(DURATION, "duration", "ctx.latency_ms != null")
    yield _script(ROLES, "roles", "ctx.actual_tier != null || ctx.roles != null")
    yield from _end()


def on_failure() -> Iterator[Processor]:
    """The event is kept, with all keys and the whole line, and says which processor failed and why."""
    yield {"remove": {"field": LINE, "ignore_missing": True, "tag": "line_of_what_failed"}}
    yield {
        "set": {
            "field": "@timestamp",
            "value": "{{{_ingest.timestamp}}}",
            "override": False,
            "tag": "some_time",
            "description": "A data stream refuses what has none",
        }
    }
    yield _set("event.module", NAMESPACE, "module_of_what_failed")
    yield _set("event.dataset", DATASET, "dataset_of_what_failed")
    yield _set("event.kind", "pipeline_error", "pipeline_error")
    yield {
        "append": {
            "field": "error.message",
            "value": "Processor {{{_ingest.on_failure_processor_type}}} with tag "
            "{{{_ingest.on_failure_processor_tag}}} in pipeline {{{_ingest.pipeline}}} failed: "
            "{{{_ingest.on_failure_message}}}",
            "tag": "error_message",
        }
    }
    yield {
        "append": {
            "field": "tags",
            "value": "preserve_original_event",
            "allow_duplicates": False,
            "tag": "preserve_what_failed",
        }
    }


def _decoded() -> Iterator[Processor]:
    whole_line = "ctx.event_name == null && ctx.message instanceof String && ctx.message.startsWith('{')"
    yield {
        "rename": {
            "field": "message",
            "target_field": "event.original",
            "if": f"{whole_line} && ctx.event?.original == null",
            "tag": "whole_line",
            "description": "A shipper that does not read JSON brings the line as it is",
        }
    }
    yield {
        "json": {
            "field": "event.original",
            "target_field": LINE,
            "if": "ctx.event_name == null && ctx.event?.original != null",
            "tag": "decode",
        }
    }
    yield {
        "fail": {
            "message": f"the line {NO_EVENT}",
            "if": f"ctx.{LINE} != null && (!(ctx.{LINE} instanceof Map) || {_no_event(f'ctx.{LINE}')})",
            "tag": "known_line",
            "description": "Before its keys are among ours: the mapping would refuse a text where ECS has an object",
        }
    }
    yield _script(f"ctx.putAll(ctx.remove('{LINE}'));", "keys_of_line", f"ctx.{LINE} != null")
    yield {
        "fail": {
            "message": f"it {NO_EVENT}",
            "if": _no_event("ctx"),
            "tag": "known_version",
        }
    }
    yield {
        "set": {
            "field": "_id",
            "value": "{{{event_id}}}",
            "if": "ctx.event_id instanceof String && ctx.event_id != ''",
            "tag": "document_id",
            "description": "What is sent again has the same id, and is refused as there already",
        }
    }


def _no_event(of: str) -> str:
    known = f"{of}.event_name instanceof String", f"{of}.schema_version instanceof String"
    return f"!({known[0]}) || !({known[1]}) || !{of}.schema_version.startsWith('1.')"


def _constants() -> Iterator[Processor]:
    yield _set("ecs.version", ECS_VERSION, "ecs_version")
    yield _set("event.module", NAMESPACE, "module")
    yield _set("event.dataset", DATASET, "dataset")
    yield _set("event.kind", "event", "kind")
    yield _set("event.kind", "alert", "kind_alert", "ctx.event_name == 'scanner.detected'")
    yield _set("service.name", "gatetrail", "service")


def _told_by_kind() -> Iterator[Processor]:
    for condition, category, types in categories():
        tag = "_".join((*category, *types))
        yield _set("event.category", list(category), f"category_{tag}", condition)
        yield _set("event.type", list(types), f"type_{tag}", condition)
    yield _set("event.outcome", "unknown", "outcome")
    for outcome, condition in outcomes():
        yield _set("event.outcome", outcome, f"outcome_{outcome}", condition)
    for level, number in severities():
        yield _set("event.severity", number, f"severity_{level}", f"ctx.level == '{level}'")


def _address() -> Iterator[Processor]:
    yield {
        "convert": {
            "field": "src_ip",
            "target_field": "client.ip",
            "type": "ip",
            "ignore_failure": True,
            "if": f"ctx.src_ip instanceof String && ctx.src_ip.length() <= {LONGEST_ADDRESS}",
            "tag": "client_ip",
            "description": "A hashed address is none, and stands in client.address and source.address alone",
        }
    }
    yield _copied("client.ip", "source.ip", "source_ip", "ctx.client?.ip != null")
    yield _append("related.ip", "{{{client.ip}}}", "related_ip", "ctx.client?.ip != null")
    yield _append("related.user", "{{{user_id}}}", "related_user", "ctx.user_id != null")
    yield {
        "geoip": {
            "field": "source.ip",
            "target_field": "source.geo",
            "ignore_missing": True,
            "ignore_failure": True,
            "tag": "geo",
        }
    }
    requests = f"{listed(REQUESTS)}.contains(ctx.event_name)"
    yield _copied("endpoint", "url.path", "url_path", f"{requests} && ctx.endpoint != null")
    yield _copied("method", "http.request.method", "http_method", f"{requests} && ctx.method != null")


def _policy() -> Iterator[Processor]:
    yield _set("rule.ruleset", "gatetrail policy", "ruleset", "ctx.policy_version != null")
    denied = "ctx.decision == 'deny' && ctx.gate != null"
    yield _copied("gate", "rule.name", "rule_name", denied)
    yield _copied("gate", "rule.category", "rule_category", denied)
    yield _copied("reason_code", "rule.id", "rule_id", f"{denied} && ctx.reason_code != null")


def _tool() -> Iterator[Processor]:
    request = f"{listed(REQUESTS)}.contains(ctx.event_name)"
    call = f"ctx.method == null || ctx.method == 'tools/call' || {request}"
    yield _copied("tool_name", "gen_ai.tool.name", "tool", f"ctx.tool_name != null && ({call})")
    yield _set("gen_ai.operation.name", "execute_tool", "operation", f"ctx.method == 'tools/call' && !{request}")
    yield _copied("client_id", "gen_ai.agent.id", "agent", "ctx.caller_type == 'a2a' && ctx.client_id != null")


def _end() -> Iterator[Processor]:
    yield {
        "remove": {
            "field": "event.original",
            "ignore_missing": True,
            "if": "ctx.tags == null || !ctx.tags.contains('preserve_original_event')",
            "tag": "original",
            "description": "All of it stands in the keys; tag preserve_original_event to keep it",
        }
    }


def _copy(key: str, field: str) -> Processor:
    return _copied(key, field, f"{key}_to_{field}".replace(".", "_"), f"ctx.{key} != null")


def _copied(source: str, field: str, tag: str, condition: str) -> Processor:
    return {"set": {"field": field, "copy_from": source, "if": condition, "tag": tag}}


def _set(field: str, value: object, tag: str, condition: str | None = None) -> Processor:
    when = {} if condition is None else {"if": condition}
    return {"set": {"field": field, "value": value, **when, "tag": tag}}


def _append(field: str, value: str, tag: str, condition: str) -> Processor:
    return {"append": {"field": field, "value": value, "allow_duplicates": False, "if": condition, "tag": tag}}


def _script(source: str, tag: str, condition: str) -> Processor:
    return {"script": {"lang": "painless", "source": source, "if": condition, "tag": tag}}
