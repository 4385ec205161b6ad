"""Saved objects of Kibana: the data view, and a search for each rule that Kibana's query language can ask."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from siem.packages.elastic.names import INDEX_PATTERN
from siem.packages.elastic.text import compact
from siem.queries import Language, query
from siem.rule import Rule
from siem.sources import rules

DATA_VIEW = "gatetrail-audit"
MADE_WITH = {"coreMigrationVersion": "8.8.0", "managed": False}
"""Kibana brings objects of older forms up to its own when it imports them."""

SavedObject = dict[str, Any]


def data_view() -> SavedObject:
    """The data streams, read by `@timestamp`."""
    attributes = {
        "title": INDEX_PATTERN,
        "name": "Gatetrail audit",
        "timeFieldName": "@timestamp",
        "fields": "[]",
        "fieldAttrs": "{}",
        "fieldFormatMap": compact({"latency_ms": {"id": "number", "params": {"pattern": "0,0.[000]"}}}),
        "runtimeFieldMap": "{}",
        "sourceFilters": "[]",
        "typeMeta": "{}",
    }
    return _object("index-pattern", DATA_VIEW, "8.0.0", attributes, [])


def searches() -> Iterator[SavedObject]:
    """By rule; those that count show what is counted."""
    for rule in rules():
        search = query(rule, Language.KUERY)
        if search is not None:
            yield _search(rule, search)


def search_id(rule_name: str) -> str:
    """Of a rule's search."""
    return f"gatetrail-search-{rule_name.replace('_', '-')}"


def dashboard_object(identity: str, attributes: dict[str, Any], references: Sequence[dict[str, str]]) -> SavedObject:
    """A dashboard of these attributes."""
    return _object("dashboard", identity, "8.9.0", attributes, references)


def source(search: str, *, index: bool) -> str:
    """The `searchSourceJSON` of a saved object."""
    found: dict[str, Any] = {"query": {"query": search, "language": "kuery"}, "filter": []}
    if index:
        found["indexRefName"] = "kibanaSavedObjectMeta.searchSourceJSON.index"
    return compact(found)


def data_view_reference(name: str) -> dict[str, str]:
    """What leads from a place in an object to the data view."""
    return {"type": "index-pattern", "id": DATA_VIEW, "name": name}


def _search(rule: Rule, search: str) -> SavedObject:
    attributes = {
        "title": f"[Gatetrail] {rule.title}",
        "description": rule.description,
        "columns": list(rule.fields),
        "sort": [["@timestamp", "desc"], ["seq", "desc"]],
        "grid": {},
        "hideChart": False,
        "isTextBasedQuery": False,
        "timeRestore": False,
        "kibanaSavedObjectMeta": {"searchSourceJSON": source(search, index=True)},
    }
    reference = data_view_reference("kibanaSavedObjectMeta.searchSourceJSON.index")
    return _object("search", search_id(rule.name), "8.0.0", attributes, [reference])


def _object(
    kind: str, identity: str, version: str, attributes: dict[str, Any], references: Sequence[dict[str, str]]
) -> SavedObject:
    return {
        "type": kind,
        "id": identity,
        "attributes": attributes,
        "references": list(references),
        "typeMigrationVersion": version,
        **MADE_WITH,
    }
