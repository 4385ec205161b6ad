"""The log pipeline: official date, level, message and trace, and standard attributes beside our keys.

Our keys stay as they are. Bodies are those of https://docs.datadoghq.com/api/latest/logs-pipelines/; the names of
standard attributes are those of https://docs.datadoghq.com/standard-attributes/.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from siem.languages.datadog import EVERYTHING

Processor = dict[str, Any]

NAME = "Gatetrail"

REMAPPED: Mapping[str, str] = {
    "user_id": "usr.id",
    "src_ip": "network.client.ip",
    "http_user_agent": "http.useragent",
    "event_name": "evt.name",
}
"""Key of ours to standard attribute."""

FAILURES = (
    "@execution_status:(failed OR timeout OR denied)",
    "@event_name:(scanner.detected OR identity.refused OR policy.rejected OR hook.failed)",
    "@event_name:(audit.gap OR audit.sink_failed OR rate_store.failed OR lifecycle.post_tool_use_failure)",
)
SUCCESSES = (
    "@execution_status:success",
    "@event_name:(session.started OR session.resumed OR session.ended OR manifest.listed OR policy.changed)",
    "@event_name:(audit.heartbeat OR audit.checkpoint OR audit.sink_recovered OR rate_store.recovered)",
    "@event_name:(identity.restricted OR identity.restored OR hook.ran OR lifecycle.post_tool_use)",
)
"""How it went, in the three words that the product's own ECS and OCSF have; a call that runs is `unknown`."""

_YAML_NAMES: Mapping[str, str] = {
    "is_enabled": "enabled",
    "is_encoded": "encoded",
    "is_replace_missing": "replaceMissing",
    "override_on_conflict": "overrideOnConflict",
    "preserve_source": "preserveSource",
    "source_type": "sourceType",
    "target_type": "targetType",
}
"""API to the files of Datadog's integrations."""


def pipeline() -> dict[str, Any]:
    """As `POST /api/v1/logs/config/pipelines` takes it."""
    return {
        "name": NAME,
        "description": "Gatetrail's audit events. The keys of the event stay; standard attributes stand beside them.",
        "tags": ["source:gatetrail"],
        "is_enabled": True,
        "filter": {"query": EVERYTHING},
        "processors": processors(),
    }


def processors() -> list[Processor]:
    """In their order; the category looks at our keys, so nothing depends on what comes before."""
    return [
        _official("date-remapper", "date", "@timestamp"),
        _official("status-remapper", "status", "level"),
        _official("message-remapper", "message", "message"),
        _official("trace-id-remapper", "trace id", "trace_id"),
        *(_beside(ours, theirs) for ours, theirs in REMAPPED.items()),
        {
            "type": "user-agent-parser",
            "name": "Take http.useragent apart",
            "is_enabled": True,
            "sources": ["http.useragent"],
            "target": "http.useragent_details",
            "is_encoded": False,
        },
        {
            "type": "geo-ip-parser",
            "name": "Find the place of network.client.ip, which the rule on travel needs",
            "is_enabled": True,
            "sources": ["network.client.ip"],
            "target": "network.client.geoip",
        },
        {
            "type": "category-processor",
            "name": "Say in evt.outcome how it went",
            "is_enabled": True,
            "categories": [
                _category("failure", FAILURES),
                _category("success", SUCCESSES),
                _category("unknown", ("@event_name:*",)),
            ],
            "target": "evt.outcome",
        },
        {
            "type": "arithmetic-processor",
            "name": "Write latency_ms as duration, in nanoseconds",
            "is_enabled": True,
            "expression": "latency_ms * 1000000",
            "target": "duration",
            "is_replace_missing": False,
        },
    ]


def integration(facets: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """The same pipeline as `assets/logs/NAME.yaml` of Datadog's integrations has it."""
    return {
        "id": "gatetrail",
        "metric_id": "gatetrail",
        "backend_only": False,
        "facets": list(facets),
        "pipeline": {
            "type": "pipeline",
            "name": NAME,
            "enabled": True,
            "filter": {"query": EVERYTHING},
            "processors": [
                {_YAML_NAMES.get(key, key): value for key, value in processor.items()} for processor in processors()
            ],
        },
    }


def _official(kind: str, what: str, source: str) -> Processor:
    return {
        "type": kind,
        "name": f"Take {source} as the official {what} of the log",
        "is_enabled": True,
        "sources": [source],
    }


def _beside(ours: str, theirs: str) -> Processor:
    return {
        "type": "attribute-remapper",
        "name": f"Write {ours} as {theirs}, too",
        "is_enabled": True,
        "source_type": "attribute",
        "sources": [ours],
        "target": theirs,
        "target_type": "attribute",
        "preserve_source": True,
        "override_on_conflict": False,
    }


def _category(name: str, searches: Sequence[str]) -> dict[str, Any]:
    return {"filter": {"query": " OR ".join(searches)}, "name": name}
