"""The dashboard, and all saved objects as one file that Kibana imports."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from siem.packages.elastic.lens import LAYER, Most, Number, OverTime, Panel, attributes
from siem.packages.elastic.saved import (
    SavedObject,
    dashboard_object,
    data_view,
    data_view_reference,
    search_id,
    searches,
    source,
)
from siem.packages.elastic.text import compact

DASHBOARD = "gatetrail-dashboard"
DECIDED = "event_name: tool_call.decided"
DENIED = f"{DECIDED} and decision: deny"

PANELS: Sequence[Panel] = (
    Panel("decisions", "Decisions", DECIDED, OverTime("decision"), 0, 0, 24, 12),
    Panel("denials-by-gate", "Denials by gate", DENIED, OverTime("gate"), 24, 0, 24, 12),
    Panel("denied-tools", "Top denied tools", DENIED, Most(("server_name", "tool_name")), 0, 12, 24, 12),
    Panel("denial-reasons", "Why calls were denied", DENIED, Most(("gate", "reason_code")), 24, 12, 24, 12),
    Panel(
        "rate-limited",
        "Rate-limited callers",
        f"{DENIED} and gate: rate_limit",
        Most(("user_id", "rate_limit_tier")),
        0,
        24,
        16,
        12,
    ),
    Panel(
        "privilege",
        "Privilege mismatches",
        f"{DENIED} and reason_code: (tier_too_low or session_tier_too_low)",
        Most(("user_id", "actual_tier", "required_tier")),
        16,
        24,
        16,
        12,
    ),
    Panel(
        "probes",
        "Scanner probes by address",
        "decision: deny and gate: scanner",
        Most(("src_ip", "reason_code")),
        32,
        24,
        16,
        12,
    ),
    Panel("gaps", "Gaps in the record", "event_name: audit.gap", Number(), 0, 36, 8, 6),
    Panel("sinks", "Failures of sinks", "event_name: audit.sink_failed", Number(), 8, 36, 8, 6),
    Panel("unrecorded", "Denied for want of a record", f"{DECIDED} and gate: audit", Number(), 16, 36, 8, 6),
    Panel("heartbeats", "Heartbeats", "event_name: audit.heartbeat", OverTime("instance_id"), 24, 36, 24, 12),
)
TABLES: Sequence[tuple[str, int, int, int, int]] = (
    ("audit_trouble", 0, 42, 24, 14),
    ("policy_changed", 24, 48, 24, 14),
)
"""Saved searches, by rule, and where they stand."""


def saved_objects() -> list[SavedObject]:
    """In an order in which each comes after what it names."""
    return [data_view(), *searches(), dashboard()]


def dashboard() -> SavedObject:
    """Denials, callers, tools and the health of the record on one page."""
    panels = [_lens(panel) for panel in PANELS] + [_table(*table) for table in TABLES]
    references = [
        *(data_view_reference(f"{panel.name}:indexpattern-datasource-layer-{LAYER}") for panel in PANELS),
        *(
            {"type": "search", "id": search_id(name), "name": f"{_panel_of(name)}:panel_{_panel_of(name)}"}
            for name, *_ in TABLES
        ),
    ]
    options = {"useMargins": True, "syncColors": False, "syncCursor": True, "syncTooltips": False}
    return dashboard_object(
        DASHBOARD,
        {
            "title": "[Gatetrail] Audit",
            "description": "Who was denied what and why, and whether the record is whole.",
            "panelsJSON": compact(panels),
            "optionsJSON": compact({**options, "hidePanelTitles": False}),
            "timeRestore": True,
            "timeFrom": "now-7d",
            "timeTo": "now",
            "refreshInterval": {"pause": True, "value": 60000},
            "version": 1,
            "kibanaSavedObjectMeta": {"searchSourceJSON": source("", index=False)},
        },
        references,
    )


def _lens(panel: Panel) -> dict[str, Any]:
    return {
        "type": "lens",
        "panelIndex": panel.name,
        "gridData": {"x": panel.x, "y": panel.y, "w": panel.width, "h": panel.height, "i": panel.name},
        "title": panel.title,
        "version": "8.9.0",
        "embeddableConfig": {"attributes": attributes(panel), "enhancements": {}, "hidePanelTitles": False},
    }


def _table(rule: str, x: int, y: int, width: int, height: int) -> dict[str, Any]:
    name = _panel_of(rule)
    return {
        "type": "search",
        "panelIndex": name,
        "panelRefName": f"panel_{name}",
        "gridData": {"x": x, "y": y, "w": width, "h": height, "i": name},
        "version": "8.9.0",
        "embeddableConfig": {"enhancements": {}},
    }


def _panel_of(rule: str) -> str:
    return rule.replace("_", "-")
