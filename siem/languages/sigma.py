"""Rules as pySigma wants them, and what all of its backends are asked for: the condition of one search."""
# pyright: reportMissingTypeStubs=false

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, cast

from sigma.collection import SigmaCollection
from sigma.conversion.base import Backend
from sigma.exceptions import SigmaError

from siem.rule import Rule
from siem.sources import RuleBroken

Document = Mapping[str, Any]
"""One YAML document of a Sigma file."""

_PLAIN = re.compile(r"[A-Za-z0-9_.:/-]+")


def base(rule: Rule) -> Document:
    """What a correlation counts; of a rule without one, the rule itself. Raises `RuleBroken`."""
    correlation = rule.documents[-1].get("correlation")
    if correlation is None:
        return rule.documents[-1]
    found = [document for document in rule.documents if document["name"] in correlation["rules"]]
    if len(found) != 1:
        raise RuleBroken(f"{rule.path}: its correlation must name one rule of the same file")
    return found[0]


def condition(rule: Rule, backend: Backend) -> str:
    """The search for the events of the rule's base, without a source before it or columns behind it."""
    return _converted(rule, base(rule), backend)


def grouped_condition(rule: Rule, backend: Backend) -> str:
    """The same for the events that count: they have all keys that the rule's window groups by."""
    assert rule.window is not None, rule.name
    document = base(rule)
    detection = dict(document["detection"])
    detection["grouped"] = {f"{key}|exists": True for key in rule.window.group_by}
    detection["condition"] = f"({detection['condition']}) and grouped"
    return _converted(rule, {**document, "detection": detection}, backend)


def _converted(rule: Rule, document: Document, backend: Backend) -> str:
    """Raises `RuleBroken` where Sigma does not understand the rule or the language cannot say it."""
    for value in _values(rule, document["detection"]):
        if not _PLAIN.fullmatch(value):
            raise RuleBroken(f"{rule.path}: how {value!r} is quoted in every language has not been tried")
    try:
        (text,) = backend.convert(SigmaCollection.from_dicts([dict(document)]))
    except (SigmaError, NotImplementedError) as cause:
        raise RuleBroken(f"{rule.path}: {backend.name} cannot say this: {cause}") from cause
    return str(text)


def _values(rule: Rule, detection: Mapping[str, Any]) -> Iterator[str]:
    if "condition" not in detection:
        raise RuleBroken(f"{rule.path}: detection: has no condition, such as `condition: selection`")
    for name, selection in detection.items():
        if name == "condition":
            continue
        if not isinstance(selection, dict):
            raise RuleBroken(f"{rule.path}: detection.{name}: must be keys with the values that they are to have")
        for value in cast("dict[str, object]", selection).values():
            several = cast("list[object]", value if isinstance(value, list) else [value])
            yield from (str(each) for each in several)
