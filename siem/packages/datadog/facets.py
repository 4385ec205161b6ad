"""Facets and measures: keys by which Datadog counts and compares. There is no API for them, only the user interface."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from siem.schema import Kind, keys

GROUP = "Gatetrail"

TEXTS: Mapping[str, str] = {
    "event_name": "Event",
    "event_id": "Event id",
    "decision": "Decision",
    "gate": "Gate",
    "reason_code": "Reason",
    "rule_id": "Rule",
    "server_name": "Server",
    "tool_name": "Tool",
    "user_id": "User",
    "session_id": "Session",
    "client_id": "Client",
    "src_ip": "Address",
    "caller_type": "Caller type",
    "required_tier": "Required tier",
    "actual_tier": "Actual tier",
    "execution_id": "Execution",
    "execution_status": "Execution status",
    "policy_version": "Policy version",
    "trace_id": "Trace",
    "chain_id": "Chain",
    "instance_id": "Instance",
    "sink_name": "Sink",
}
"""Key to the name that an analyst sees."""

NUMBERS: Mapping[str, tuple[str, dict[str, str]]] = {
    "seq": ("Sequence number", {}),
    "latency_ms": ("Latency", {"family": "time", "name": "millisecond"}),
    "decision_us": ("Time to decide", {"family": "time", "name": "microsecond"}),
    "retry_after_ms": ("Wait", {"family": "time", "name": "millisecond"}),
}
"""Key to name and unit."""


def facets() -> list[dict[str, Any]]:
    """As `assets/logs/NAME.yaml` of Datadog's integrations has them."""
    texts = [_facet(path, name, "list", "string", {}) for path, name in TEXTS.items()]
    return texts + [_facet(path, name, "range", _type(path), unit) for path, (name, unit) in NUMBERS.items()]


def _type(path: str) -> str:
    return "integer" if keys()[path].kind is Kind.WHOLE else "double"


def _facet(path: str, name: str, kind: str, of: str, unit: Mapping[str, str]) -> dict[str, Any]:
    facet = {"groups": [GROUP], "name": name, "path": path, "source": "log", "facetType": kind, "type": of}
    return {**facet, "unit": dict(unit)} if unit else facet
