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
_OF_DATASET = f'data_stream.dataset: "{DATASET}"'
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
    asked: str = source["query"]["query"]
    source["query"]["query"] = f"{_OF_DATASET} and ({asked})" if asked else _OF_DATASET
    meta["searchSourceJSON"] = compact(source)
    return asset


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
