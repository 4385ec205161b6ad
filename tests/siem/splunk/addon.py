"""What an event is to Splunk with the add-on: fields, event types, tags. Our reading of Splunk's, not Splunk.

Source: help.splunk.com, Knowledge Manager Manual, "The sequence of search-time operations": automatic extraction,
aliases, calculated fields (none sees another's result), event types, tags.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from functools import cache
from typing import cast

from tests.siem.splunk.conf import Conf, conf
from tests.siem.splunk.expressions import Expression, Fields, Value, expression
from tests.siem.splunk.searches import search

SOURCETYPE = "gatetrail:audit"
GIVEN: Fields = {"sourcetype": SOURCETYPE, "host": "mcp-1"}
"""What every event in Splunk has. Its other default fields are not used."""


@cache
def props() -> Mapping[str, str]:
    return conf("props")[SOURCETYPE]


@cache
def calculated() -> Mapping[str, Expression]:
    """The calculated fields."""
    settings = props().items()
    return {name.removeprefix("EVAL-"): expression(text) for name, text in settings if name.startswith("EVAL-")}


@cache
def aliases() -> Mapping[str, str]:
    """From the alias to the field."""
    words = [text.split() for name, text in props().items() if name.startswith("FIELDALIAS-")]
    found: dict[str, str] = {}
    for group in words:
        for field, how, alias in zip(group[::3], group[1::3], group[2::3], strict=True):
            assert how == "ASNEW", "AS overwrites, and deletes where there is no source"
            found[alias] = field
    return found


def extracted(line: bytes) -> dict[str, Value]:
    """By KV_MODE = json: texts, and a list as `name{}`."""
    return {**GIVEN, **dict(_flat(json.loads(line, parse_int=str, parse_float=str)))}


def _flat(keys: Mapping[str, object]) -> Iterator[tuple[str, Value]]:
    for name, value in keys.items():
        if isinstance(value, list):
            yield f"{name}{{}}", tuple(str(one) for one in cast("list[object]", value))
        else:
            yield name, str(value)


def fields_of(line: bytes) -> Mapping[str, Value]:
    """All fields of an event; null is no field."""
    raw = extracted(line)
    raw = {**{alias: raw[field] for alias, field in aliases().items() if field in raw}, **raw}
    computed = {name: one.value(raw) for name, one in calculated().items()}
    return {name: value for name, value in {**raw, **computed}.items() if value is not None}


@cache
def event_types() -> Conf:
    return conf("eventtypes")


def types_of(fields: Fields) -> frozenset[str]:
    """The event types that an event is of."""
    return frozenset(name for name, settings in event_types().items() if search(settings["search"])(fields))


def tags_of(fields: Fields) -> frozenset[str]:
    """The tags of its event types."""
    tags = conf("tags")
    found = [tags.get(f"eventtype={name}", {}) for name in types_of(fields)]
    return frozenset(tag for settings in found for tag, state in settings.items() if state == "enabled")
