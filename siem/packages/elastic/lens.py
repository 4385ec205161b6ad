"""Panels of Kibana's Lens: counts over time, tables of the most frequent, single numbers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, assert_never

from siem.packages.elastic.saved import data_view_reference

LAYER = "events"
COUNT = "count"
TIME = "time"


@dataclass(frozen=True, slots=True)
class OverTime:
    """Stacked bars of the number of events, split by one key."""

    by: str


@dataclass(frozen=True, slots=True)
class Most:
    """A table: the most frequent values of these keys, each within the one before, with the number of events."""

    by: tuple[str, ...]
    size: int = 10


@dataclass(frozen=True, slots=True)
class Number:
    """How many events there are."""


Shown = OverTime | Most | Number


@dataclass(frozen=True, slots=True)
class Panel:
    """One of a dashboard; the grid has 48 columns."""

    name: str
    title: str
    search: str
    """Kibana's query language."""
    shown: Shown
    x: int
    y: int
    width: int
    height: int


def attributes(panel: Panel) -> dict[str, Any]:
    """The Lens object that stands in a dashboard by value."""
    kind, columns, visualization = _made(panel.shown)
    layer = {"columns": dict(columns), "columnOrder": list(columns), "incompleteColumns": {}, "sampling": 1}
    return {
        "title": panel.title,
        "type": "lens",
        "visualizationType": kind,
        "references": [data_view_reference(f"indexpattern-datasource-layer-{LAYER}")],
        "state": {
            "datasourceStates": {"formBased": {"layers": {LAYER: layer}}, "textBased": {"layers": {}}},
            "visualization": visualization,
            "query": {"query": panel.search, "language": "kuery"},
            "filters": [],
            "internalReferences": [],
            "adHocDataViews": {},
        },
    }


def fields_of(shown: Shown) -> Sequence[str]:
    """The keys of events that a panel names outside its search."""
    match shown:
        case OverTime(by):
            return (by,)
        case Most(by):
            return by
        case Number():
            return ()
        case _:
            assert_never(shown)


def _made(shown: Shown) -> tuple[str, Mapping[str, Any], dict[str, Any]]:
    match shown:
        case OverTime(by):
            return "lnsXY", {TIME: _time(), by: _values(by, 10), COUNT: _count()}, _bars(by)
        case Most(by, size):
            return "lnsDatatable", {**{key: _values(key, size) for key in by}, COUNT: _count()}, _table(by)
        case Number():
            return "lnsMetric", {COUNT: _count()}, {"layerId": LAYER, "layerType": "data", "metricAccessor": COUNT}
        case _:
            assert_never(shown)


def _bars(by: str) -> dict[str, Any]:
    layer = {
        "layerId": LAYER,
        "layerType": "data",
        "seriesType": "bar_stacked",
        "xAccessor": TIME,
        "splitAccessor": by,
        "accessors": [COUNT],
    }
    return {
        "preferredSeriesType": "bar_stacked",
        "legend": {"isVisible": True, "position": "right"},
        "valueLabels": "hide",
        "fittingFunction": "None",
        "layers": [layer],
    }


def _table(by: Sequence[str]) -> dict[str, Any]:
    return {
        "layerId": LAYER,
        "layerType": "data",
        "columns": [*({"columnId": key, "isTransposed": False} for key in by), {"columnId": COUNT}],
        "sorting": {"columnId": COUNT, "direction": "desc"},
    }


def _time() -> dict[str, Any]:
    return {
        "label": "@timestamp",
        "dataType": "date",
        "operationType": "date_histogram",
        "sourceField": "@timestamp",
        "isBucketed": True,
        "scale": "interval",
        "params": {"interval": "auto", "includeEmptyRows": True, "dropPartials": False},
    }


def _values(key: str, size: int) -> dict[str, Any]:
    return {
        "label": key,
        "customLabel": True,
        "dataType": "ip" if key == "src_ip" else "string",
        "operationType": "terms",
        "sourceField": key,
        "isBucketed": True,
        "scale": "ordinal",
        "params": {
            "size": size,
            "orderBy": {"type": "column", "columnId": COUNT},
            "orderDirection": "desc",
            "otherBucket": False,
            "missingBucket": False,
            "parentFormat": {"id": "terms"},
        },
    }


def _count() -> dict[str, Any]:
    return {
        "label": "events",
        "customLabel": True,
        "dataType": "number",
        "operationType": "count",
        "sourceField": "___records___",
        "isBucketed": False,
        "scale": "ratio",
        "params": {"emptyAsNull": False},
    }
