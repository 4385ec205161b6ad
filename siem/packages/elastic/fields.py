"""How each key of an event and each ECS field beside it is stored."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, assert_never

from siem.packages.elastic.names import DATASET, PACKAGE
from siem.schema import Key, Kind, keys

Mapped = dict[str, Any]
"""One field of a mapping."""

LONGEST = 1024
"""Characters of a keyword; longer ones are kept but not searchable. Twice what any key but one can have."""
LONG_TEXTS = frozenset(("arguments_preview",))
"""May have 2,000 characters (`schemas/v1`)."""
SEARCHED_BY_WORD = frozenset(("reason", "shadow_reason", "arguments_preview"))
"""Sentences; their words are found in `KEY.text`."""
SHARED_WITH_ECS = frozenset(("@timestamp", "message"))
"""Keys of ours that are ECS fields by the same name and meaning."""

KEYWORD: Mapped = {"type": "keyword", "ignore_above": LONGEST}

ECS_FIELDS: Mapping[str, Mapped] = {
    "client.address": KEYWORD,
    "client.ip": {"type": "ip"},
    "ecs.version": KEYWORD,
    "error.message": {"type": "match_only_text"},
    "error.type": KEYWORD,
    "event.action": KEYWORD,
    "event.category": KEYWORD,
    "event.code": KEYWORD,
    "event.dataset": {"type": "constant_keyword", "value": DATASET},
    "event.duration": {"type": "long"},
    "event.hash": KEYWORD,
    "event.id": KEYWORD,
    "event.ingested": {"type": "date"},
    "event.kind": KEYWORD,
    "event.module": {"type": "constant_keyword", "value": PACKAGE},
    "event.original": {"type": "keyword", "index": False, "doc_values": False},
    "event.outcome": KEYWORD,
    "event.provider": KEYWORD,
    "event.reason": KEYWORD,
    "event.sequence": {"type": "long"},
    "event.severity": {"type": "long"},
    "event.type": KEYWORD,
    "gen_ai.agent.id": KEYWORD,
    "gen_ai.operation.name": KEYWORD,
    "gen_ai.tool.call.id": KEYWORD,
    "gen_ai.tool.name": KEYWORD,
    "http.request.method": KEYWORD,
    "log.level": KEYWORD,
    "related.ip": {"type": "ip"},
    "related.user": KEYWORD,
    "rule.category": KEYWORD,
    "rule.id": KEYWORD,
    "rule.name": KEYWORD,
    "rule.ruleset": KEYWORD,
    "rule.version": KEYWORD,
    "service.name": KEYWORD,
    "service.node.name": KEYWORD,
    "service.target.name": KEYWORD,
    "service.version": KEYWORD,
    "source.address": KEYWORD,
    "source.geo.city_name": KEYWORD,
    "source.geo.continent_name": KEYWORD,
    "source.geo.country_iso_code": KEYWORD,
    "source.geo.country_name": KEYWORD,
    "source.geo.location": {"type": "geo_point"},
    "source.geo.region_iso_code": KEYWORD,
    "source.geo.region_name": KEYWORD,
    "source.ip": {"type": "ip"},
    "span.id": KEYWORD,
    "tags": KEYWORD,
    "trace.id": KEYWORD,
    "url.path": {"type": "wildcard", "ignore_above": LONGEST},
    "user.id": KEYWORD,
    "user.roles": KEYWORD,
    "user_agent.original": {
        "type": "keyword",
        "ignore_above": LONGEST,
        "fields": {"text": {"type": "match_only_text"}},
    },
}
"""What the ingest pipeline adds. Names and types are those of ECS 9.4.0 (its field reference), except that module and
dataset, which are the same in all events here, are `constant_keyword` as in Elastic's own packages."""


def mapped(key: Key) -> Mapped:
    """How a key of ours is stored: never in a way that would change what `_source` gives back.

    Only keywords have sub-fields: Fleet leaves out those of other types.
    """
    match key.kind:
        case Kind.TEXT | Kind.TEXTS:
            return _text(key.name)
        case Kind.ADDRESS:
            return {"type": "ip", "ignore_malformed": True}
        case Kind.MOMENT:
            # Found by the millisecond; the document keeps all digits. Detection rules fail over more than a hundred
            # events of `date_nanos` before a Kibana of August 2026 (elastic/kibana#281834).
            return {"type": "date", "ignore_malformed": False}
        case Kind.WHOLE:
            return {"type": "long"}
        case Kind.NUMBER:
            return {"type": "double"}
        case Kind.TRUTH:
            return {"type": "boolean"}
        case _:
            assert_never(key.kind)


def flat_fields() -> Mapping[str, Mapped]:
    """All keys of all kinds of events, sorted."""
    return {name: mapped(key) for name, key in keys().items()}


def nested(fields: Mapping[str, Mapped]) -> Mapped:
    """The same with dots as objects: the `properties` of a mapping."""
    properties: Mapped = {}
    for name, field in sorted(fields.items()):
        *path, last = name.split(".")
        place = properties
        for part in path:
            place = place.setdefault(part, {"properties": {}})["properties"]
        place[last] = dict(field)
    return properties


def _text(name: str) -> Mapped:
    if name == "message":
        return {"type": "match_only_text"}
    field = {"type": "keyword", "ignore_above": 2 * LONGEST if name in LONG_TEXTS else LONGEST}
    return {**field, "fields": {"text": {"type": "match_only_text"}}} if name in SEARCHED_BY_WORD else field
