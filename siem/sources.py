"""Reads the rules: Sigma files and folders of native rules."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from siem.places import NATIVE, SIGMA
from siem.rule import Kind, Rule, Severity, Window

OWN_KEY = "gatetrail"
"""Where a rule says what Sigma has no key for; Sigma lets everybody add keys."""

_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400}
_KINDS = {"event_count": Kind.COUNT, "value_count": Kind.DISTINCT}


class RuleBroken(ValueError):
    """A rule's file cannot be used; says which file and what is wrong."""


@cache
def rules() -> tuple[Rule, ...]:
    """All rules, by question and then by name. Raises `RuleBroken`."""
    found = [_sigma_rule(path) for path in sorted(SIGMA.glob("*.yml"))]
    found += [_native_rule(path) for path in sorted(NATIVE.glob("*/rule.yml"))]
    return tuple(sorted(found, key=lambda rule: (rule.question, rule.kind is Kind.NATIVE, rule.name)))


def seconds(timespan: str) -> int:
    """Of Sigma's timespans: a number and s, m, h or d."""
    return int(timespan[:-1]) * _SECONDS[timespan[-1]]


def sigma_text(rule: Rule) -> str:
    """The rule as YAML that stands alone."""
    return "---\n".join(yaml.safe_dump(dict(document), sort_keys=False) for document in rule.documents)


def _sigma_rule(path: Path) -> Rule:
    documents = tuple(_documents(path))
    meaning = documents[-1]
    correlation = meaning.get("correlation")
    kind = Kind.MATCH if correlation is None else _KINDS[str(correlation["type"])]
    return _rule(path, path.stem, meaning, documents, kind, None if correlation is None else _window(correlation))


def _native_rule(path: Path) -> Rule:
    documents = tuple(_documents(path))
    return _rule(path, path.parent.name, documents[-1], documents, Kind.NATIVE, None)


def _documents(path: Path) -> Sequence[Mapping[str, Any]]:
    try:
        return list(yaml.safe_load_all(path.read_text("utf-8")))
    except yaml.YAMLError as problem:
        raise RuleBroken(f"{path}: no YAML: {problem}") from problem


def _window(correlation: Mapping[str, Any]) -> Window:
    condition = correlation["condition"]
    timespan = str(correlation["timespan"])
    return Window(
        group_by=tuple(correlation["group-by"]),
        timespan=timespan,
        timespan_s=seconds(timespan),
        at_least=int(condition["gte"]),
        counted=condition.get("field"),
    )


def _rule(
    path: Path,
    name: str,
    meaning: Mapping[str, Any],
    documents: tuple[Mapping[str, Any], ...],
    kind: Kind,
    window: Window | None,
) -> Rule:
    try:
        own = meaning[OWN_KEY]
        if meaning["name"] != name:
            raise RuleBroken(f"{path}: its name is {meaning['name']!r}, the file wants {name!r}")
        return Rule(
            name=name,
            id=str(meaning["id"]),
            title=meaning["title"],
            description=" ".join(str(meaning["description"]).split()),
            severity=Severity(meaning["level"]),
            status=meaning["status"],
            question=int(own["question"]),
            asked_by=own["asked_by"],
            kind=kind,
            tags=tuple(meaning.get("tags", ())),
            false_positives=tuple(meaning["falsepositives"]),
            fields=tuple(meaning["fields"]),
            lookback=own["lookback"],
            window=window,
            why_native=own.get("why_native"),
            path=path,
            documents=documents,
        )
    except KeyError as lacking:
        raise RuleBroken(f"{path}: has no {lacking}") from lacking
