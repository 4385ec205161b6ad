"""The saved objects once more, as an integration package holds them: a file each, over the data view of Fleet."""

from __future__ import annotations

from typing import Any, cast

import orjson

from siem.files import Files
from siem.packages.elastic.dashboard import DASHBOARD, dashboard
from siem.packages.elastic.names import DATASET, PACKAGE
from siem.packages.elastic.saved import DATA_VIEW, SavedObject, searches
from siem.packages.elastic.text import compact, json_text

FLEETS_DATA_VIEW = "logs-*"
_FILTER = "kibanaSavedObjectMeta.searchSourceJSON.filter[0].meta.index"
"""The place in an object from which the filter's reference leads to the data view."""
_TEXTS = frozenset(("panelsJSON", "optionsJSON", "searchSourceJSON"))
"""Members that are JSON within JSON, in a package as in Kibana."""


def asset_files() -> Files:
    """By path within the package. Identities begin with the package's name, as its specification wants."""
    return {f"kibana/{saved['type']}/{saved['id']}.json": json_text(saved) for saved in map(_asset, _all())}


def _all() -> list[SavedObject]:
    return [dashboard(), *searches()]


def _asset(saved: SavedObject) -> SavedObject:
    asset: SavedObject = _renamed(saved)
    meta = asset["attributes"]["kibanaSavedObjectMeta"]
    source = orjson.loads(meta["searchSourceJSON"])
    source["filter"] = [_of_dataset()]
    meta["searchSourceJSON"] = compact(source)
    asset["references"] = [*asset["references"], {"type": "index-pattern", "id": FLEETS_DATA_VIEW, "name": _FILTER}]
    return asset


def _of_dataset() -> dict[str, Any]:
    """A filter, and no part of the query: the package specification wants one in each dashboard."""
    field = "data_stream.dataset"
    shown = {"type": "phrase", "key": field, "params": {"query": DATASET}, "alias": None}
    return {
        "$state": {"store": "appState"},
        "meta": {**shown, "negate": False, "disabled": False, "indexRefName": _FILTER},
        "query": {"match_phrase": {field: DATASET}},
    }


def _renamed(value: Any, member: str = "") -> Any:
    if isinstance(value, str):
        if member in _TEXTS:
            return compact(_renamed(orjson.loads(value)))
        return _identity(value) if member == "id" else value
    if isinstance(value, dict):
        return {name: _renamed(below, name) for name, below in cast("dict[str, object]", value).items()}
    if isinstance(value, list):
        return [_renamed(below) for below in cast("list[object]", value)]
    return value


def _identity(name: str) -> str:
    if name == DATA_VIEW:
        return FLEETS_DATA_VIEW
    return f"{PACKAGE}-{name}" if name == DASHBOARD or name.startswith("gatetrail-search-") else name
