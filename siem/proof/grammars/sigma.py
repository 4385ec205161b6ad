"""Sigma rules: the keys that they detect by, group by, count and show."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, cast

import yaml

from siem.proof.grammars.reading import Compared, Reading, together
from siem.schema import keys

_PATTERNS = {"contains", "startswith", "endswith", "re", "exists", "cidr", "lt", "lte", "gt", "gte"}
"""Modifiers that make something else of the value than the word that it is."""


def read(text: str) -> Reading:
    """All documents of one file; also the one of a native rule, which detects nothing."""
    try:
        documents: list[Mapping[str, Any]] = list(yaml.safe_load_all(text))
    except yaml.YAMLError as problem:
        return Reading((f"no YAML: {problem}",))
    return together(_document(one) for one in documents)


def _document(document: Mapping[str, Any]) -> Reading:
    detected = list(_detected(document.get("detection", {})))
    correlation: Mapping[str, Any] = document.get("correlation", {})
    counted = correlation.get("condition", {}).get("field")
    names = {*document.get("fields", ()), *correlation.get("group-by", ()), *(name for name, _, _ in detected)}
    names |= {counted} if counted else set()
    compared = {
        Compared(name, word)
        for name, modifiers, value in detected
        if not modifiers & _PATTERNS
        for word in _several(value)
        if word is not None and "*" not in str(word)
    }
    problems = [f"no event has a key {name!r}" for name in sorted(names) if name not in keys()]
    return Reading(tuple(problems), frozenset(names), frozenset(compared))


def _several(value: Any) -> Sequence[Any]:
    return cast("Sequence[Any]", value) if isinstance(value, list) else (value,)


def _detected(detection: Mapping[str, Any]) -> Iterator[tuple[str, set[str], Any]]:
    """Key, modifiers, value; a search is a map or a list of maps."""
    for name, search in detection.items():
        if name in {"condition", "timeframe"}:
            continue
        for one in _several(search):
            for written, value in one.items():
                key, *modifiers = str(written).split("|")
                yield key, set(modifiers), value
