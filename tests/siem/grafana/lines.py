"""Which lines get through the pipeline of a LogQL query: our reading of Loki's, on a tree of Grafana's grammar.

Source: grafana.com/docs/loki, "Log queries": `|=` wants a part of the line, with case; `json` makes a label of each key
but lists; a label that is not there is empty; a regular expression has to fit the whole value.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import orjson

from siem.golden import Event
from siem.proof.grammars.logql import stages

Labels = Mapping[str, str]
Stage = Mapping[str, Any]

OPERATORS: Mapping[str, Callable[[str, str], bool]] = {
    "=": lambda value, text: value == text,
    "!=": lambda value, text: value != text,
    "=~": lambda value, text: re.fullmatch(text, value) is not None,
}


def passing(query: str, events: Iterable[Event]) -> list[Event]:
    """The events whose lines get through."""
    pipeline = stages(query)
    return [event for event in events if _passes(pipeline, event)]


def _passes(pipeline: Iterable[Stage], event: Event) -> bool:
    line = orjson.dumps(event, option=orjson.OPT_SORT_KEYS).decode()
    labels: Labels = {}
    for stage in pipeline:
        if stage.get("parser") == "json":
            labels = _labels(event)
        if stage.get("contains", "") not in line:
            return False
        if "where" in stage and not _holds(stage["where"], labels):
            return False
    return True


def _labels(event: Event) -> Labels:
    scalars = ((key, value) for key, value in event.items() if not isinstance(value, list))
    return {re.sub(r"\W", "_", key): str(value) for key, value in scalars}


def _holds(condition: Any, labels: Labels) -> bool:
    if "or" in condition:
        return any(_holds(part, labels) for part in condition["or"])
    if "and" in condition:
        return all(_holds(part, labels) for part in condition["and"])
    name, operator, text = condition
    return OPERATORS[operator](labels.get(name, ""), text)
