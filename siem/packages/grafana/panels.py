"""Parts of a Grafana dashboard, as the JSON that Grafana reads.

Source: grafana.com/docs, "Dashboard JSON model" and the pages of the panels; schema version 39 is Grafana 10.4
and newer.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

Json = dict[str, Any]

SCHEMA_VERSION = 39
COLUMNS = 24
SQL_SOURCE: Mapping[str, str] = {"type": "grafana-postgresql-datasource", "uid": "gatetrail"}
"""As deploy/grafana/provisioning names it."""
LOKI_SOURCE: Mapping[str, str] = {"type": "loki", "uid": "${loki}"}
"""Chosen at the top of the dashboard."""


@dataclass(frozen=True, slots=True)
class Panel:
    """One panel; where it is comes later."""

    title: str
    description: str
    kind: str
    """Grafana's name of the visualisation."""
    target: Mapping[str, Any]
    """The query, without its `refId`."""
    source: Mapping[str, str]
    width: int = COLUMNS
    height: int = 8
    field_config: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class Row:
    """Panels under a heading. A folded row asks nothing before somebody opens it."""

    title: str
    panels: Sequence[Panel]
    folded: bool


def dashboard(uid: str, title: str, description: str, variables: Sequence[Json], rows: Sequence[Row]) -> Json:
    """The whole of it."""
    return {
        "uid": uid,
        "title": title,
        "description": description,
        "tags": ["gatetrail", "audit", "security"],
        "schemaVersion": SCHEMA_VERSION,
        "version": 1,
        "editable": True,
        "graphTooltip": 1,
        "timezone": "browser",
        "refresh": "",
        "time": {"from": "now-24h", "to": "now"},
        "templating": {"list": list(variables)},
        "annotations": {"list": []},
        "links": [],
        "panels": list(_placed(rows)),
    }


def textbox(name: str, label: str) -> Json:
    """A variable that somebody types or a link fills; empty at first."""
    value = {"selected": True, "text": "", "value": ""}
    return {"name": name, "label": label, "type": "textbox", "query": "", "current": value, "options": [value]}


def trace_link(uid: str) -> Json:
    """Makes values of columns named `trace_id` lead to the same dashboard, with that trace."""
    url = f"/d/{uid}?${{__url_time_range}}&var-trace_id=${{__value.raw}}"
    link = {"title": "This trace", "url": url, "targetBlank": False}
    name = {"id": "byName", "options": "trace_id"}
    return {"defaults": {}, "overrides": [{"matcher": name, "properties": [{"id": "links", "value": [link]}]}]}


SERIES: Json = {
    "defaults": {
        "custom": {"drawStyle": "bars", "fillOpacity": 60, "lineWidth": 1, "stacking": {"mode": "normal"}},
        "unit": "short",
    },
    "overrides": [],
}
"""Bars on top of each other."""

_OPTIONS: Mapping[str, Json] = {
    "table": {"cellHeight": "sm", "showHeader": True},
    "timeseries": {
        "legend": {"displayMode": "list", "placement": "bottom", "showLegend": True},
        "tooltip": {"mode": "multi", "sort": "desc"},
    },
    "logs": {"showTime": True, "wrapLogMessage": True, "enableLogDetails": True, "sortOrder": "Descending"},
}


def _placed(rows: Sequence[Row]) -> Iterator[Json]:
    """Rows below each other, panels of a row from left to right."""
    number = y = 0
    for row in rows:
        number, first_y = number + 1, y + 1
        heading: Json = {
            "id": number,
            "type": "row",
            "title": row.title,
            "collapsed": row.folded,
            "gridPos": {"x": 0, "y": y, "w": COLUMNS, "h": 1},
        }
        placed = list(_in_row(row.panels, number, first_y))
        number += len(placed)
        y = max(place["y"] + place["h"] for place in (one["gridPos"] for one in placed))
        heading["panels"] = placed if row.folded else []
        yield heading
        yield from () if row.folded else placed


def _in_row(panels: Sequence[Panel], number: int, y: int) -> Iterator[Json]:
    x = line_height = 0
    for panel in panels:
        if x + panel.width > COLUMNS:
            x, y, line_height = 0, y + line_height, 0
        number += 1
        yield _panel(panel, number, {"x": x, "y": y, "w": panel.width, "h": panel.height})
        x, line_height = x + panel.width, max(line_height, panel.height)


def _panel(panel: Panel, number: int, place: Json) -> Json:
    return {
        "id": number,
        "type": panel.kind,
        "title": panel.title,
        "description": panel.description,
        "datasource": dict(panel.source),
        "gridPos": place,
        "fieldConfig": dict(panel.field_config or {"defaults": {}, "overrides": []}),
        "options": dict(_OPTIONS[panel.kind]),
        "targets": [{"refId": "A", "datasource": dict(panel.source), **panel.target}],
    }
