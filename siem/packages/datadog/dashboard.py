"""The dashboard: what is denied, to whom, and whether the record itself is well.

Body: https://docs.datadoghq.com/api/latest/dashboards/, "Create a new dashboard".
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from siem.languages.datadog import EVERYTHING, search
from siem.sources import rules

Widget = dict[str, Any]

VARIABLES: Mapping[str, str] = {"server": "@server_name", "user": "@user_id", "instance": "@instance_id"}
CHOSEN = " ".join(f"${name}" for name in VARIABLES)
"""What the reader chose above the dashboard; a variable that nobody chose asks for nothing."""

HALF = 6
QUARTER = 3
HEIGHT = 4
WIDTH = 12

HEALTH = (
    f"{EVERYTHING} AND @event_name:(audit.heartbeat OR audit.gap OR audit.sink_failed OR audit.sink_recovered "
    "OR rate_store.failed OR execution.orphaned)"
)


def dashboard() -> dict[str, Any]:
    """In the order of reading, in a grid of twelve columns."""
    return {
        "title": "Gatetrail: who may call which tools",
        "description": "Decisions, denials and the health of the audit record. Made from siem-samples/datadog.",
        "layout_type": "ordered",
        "reflow_type": "fixed",
        "tags": [],
        "template_variables": [
            {"name": name, "prefix": prefix, "available_values": [], "default": "*"}
            for name, prefix in VARIABLES.items()
        ],
        "widgets": _placed(_widgets()),
    }


def _widgets() -> Sequence[tuple[Widget, int]]:
    """Each with its width in columns."""
    denied, limited, mismatch, trouble = map(_search, ("call_denied", "rate_limited", "tier_too_low", "audit_trouble"))
    return (
        (_number("Denied calls", denied), QUARTER),
        (_number("Rate limited calls", limited), QUARTER),
        (_number("Privilege mismatches", mismatch), QUARTER),
        (_number("Trouble with the record", trouble), QUARTER),
        (_lines("Denied calls by gate", denied, "@gate", "bars"), HALF),
        (_lines("Decisions", f"{EVERYTHING} AND @event_name:tool_call.decided {CHOSEN}", "@decision", "bars"), HALF),
        (_top("Most denied tools", denied, ("@server_name", "@tool_name")), HALF),
        (_top("Most frequent reasons", denied, ("@gate", "@reason_code")), HALF),
        (_top("Rate limited callers", limited, ("@user_id", "@client_id")), HALF),
        (_top("Privilege mismatches: who, and what for", mismatch, ("@user_id", "@tool_name", "@required_tier")), HALF),
        (_lines("Health of the record", f"{HEALTH} {CHOSEN}", "@event_name", "line"), HALF),
        (_top("Sinks that failed", f"{EVERYTHING} AND @event_name:audit.sink_failed {CHOSEN}", ("@sink_name",)), HALF),
        (_stream("Trouble, newest first", trouble), WIDTH),
    )


def _search(name: str) -> str:
    return f"{search(next(rule for rule in rules() if rule.name == name))} {CHOSEN}"


def _placed(widgets: Sequence[tuple[Widget, int]]) -> list[Widget]:
    placed: list[Widget] = []
    x = y = 0
    for definition, width in widgets:
        if x + width > WIDTH:
            x, y = 0, y + HEIGHT
        placed.append({"definition": definition, "layout": {"x": x, "y": y, "width": width, "height": HEIGHT}})
        x += width
    return placed


def _number(title: str, asked: str) -> Widget:
    return {
        "type": "query_value",
        "title": title,
        "requests": [_request("scalar", asked, ())],
        "autoscale": False,
        "precision": 0,
    }


def _lines(title: str, asked: str, by: str, shape: str) -> Widget:
    request = {**_request("timeseries", asked, (by,)), "display_type": shape}
    return {"type": "timeseries", "title": title, "requests": [request], "show_legend": True}


def _top(title: str, asked: str, by: Sequence[str]) -> Widget:
    return {"type": "toplist", "title": title, "requests": [_request("scalar", asked, by)]}


def _request(response_format: str, asked: str, by: Sequence[str]) -> dict[str, Any]:
    sort = {"aggregation": "count", "order": "desc"}
    return {
        "response_format": response_format,
        "queries": [
            {
                "name": "counted",
                "data_source": "logs",
                "search": {"query": asked},
                "indexes": ["*"],
                "compute": {"aggregation": "count"},
                "group_by": [{"facet": facet, "limit": 10, "sort": sort} for facet in by],
            }
        ],
        "formulas": [{"formula": "counted"}],
    }


def _stream(title: str, asked: str) -> Widget:
    columns = (("status_line", "auto"), ("timestamp", "auto"), ("event_name", "auto"), ("content", "full"))
    return {
        "type": "list_stream",
        "title": title,
        "requests": [
            {
                "response_format": "event_list",
                "columns": [{"field": field, "width": width} for field, width in columns],
                "query": {"data_source": "logs_stream", "query_string": asked, "indexes": []},
            }
        ],
    }
