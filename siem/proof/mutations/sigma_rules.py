"""Changes of Sigma rules: on the events as they are, each must find something else."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, cast

from siem.rule import Rule, Window
from siem.schema import keys
from siem.sources import seconds

Document = Mapping[str, Any]
SELECTIONS_THAT_COUNT = "1 of selection_*"


@dataclass(frozen=True, slots=True)
class ChangedRule:
    """The same rule, with one change."""

    what: str
    """What was changed: a clause."""
    rule: Rule


def changed_rules(rule: Rule) -> Iterator[ChangedRule]:
    """Each condition gone, each word gone or another one, each number one up and down, each window a second."""
    for number, document in enumerate(rule.documents):
        for what, changed in _changed(document):
            documents = (*rule.documents[:number], changed, *rule.documents[number + 1 :])
            yield ChangedRule(what, replace(rule, documents=documents, window=_window(rule, changed)))


def _changed(document: Document) -> Iterator[tuple[str, Document]]:
    if "correlation" in document:
        for what, correlation in _correlations(document["correlation"]):
            yield what, {**document, "correlation": correlation}
        return
    for what, detection in _detections(document["detection"]):
        yield what, {**document, "detection": detection}


def _detections(detection: Document) -> Iterator[tuple[str, Document]]:
    selections = [name for name in detection if name != "condition"]
    for name in selections:
        if len(selections) > 1:
            yield f"{name} gone", {key: value for key, value in detection.items() if key != name}
        for what, selection in _selections(detection[name]):
            yield what, {**detection, name: selection}


def _selections(selection: Document) -> Iterator[tuple[str, Document]]:
    for condition, said in selection.items():
        rest = {key: value for key, value in selection.items() if key != condition}
        yield f"{condition} gone", rest or {"event_id|exists": True}
        if isinstance(said, bool):
            yield f"{condition} is {not said}", {**selection, condition: not said}
            continue
        words = [str(word) for word in cast("list[object]", said if isinstance(said, list) else [said])]
        for word in words:
            others = [one for one in words if one != word]
            if others:
                yield f"{condition} without {word}", {**selection, condition: others}
            other = _another(condition, words)
            yield f"{condition} {other} instead of {word}", {**selection, condition: [*others, other]}


def _another(key: str, words: Sequence[str]) -> str:
    """The first word of its closed list that it does not say yet."""
    left = sorted(keys()[key].words - {*words})
    return left[0] if left else "0" * 32


def _correlations(correlation: Document) -> Iterator[tuple[str, Document]]:
    condition: Document = correlation["condition"]
    for step in (-1, 1):
        at_least = int(condition["gte"]) + step
        yield f"at least {at_least}", {**correlation, "condition": {**condition, "gte": at_least}}
        span_s = seconds(str(correlation["timespan"])) + step
        yield f"within {span_s} s", {**correlation, "timespan": f"{span_s}s"}
    group_by: list[str] = correlation["group-by"]
    for key in group_by:
        rest = [one for one in group_by if one != key]
        if rest:
            yield f"not by {key}", {**correlation, "group-by": rest}
        yield f"by trace_id instead of {key}", {**correlation, "group-by": [*rest, "trace_id"]}
    if "field" in condition:
        other = {**condition, "field": "trace_id"}
        yield f"values of trace_id instead of {condition['field']}", {**correlation, "condition": other}


def _window(rule: Rule, changed: Document) -> Window | None:
    if rule.window is None or "correlation" not in changed:
        return rule.window
    correlation = changed["correlation"]
    timespan = str(correlation["timespan"])
    return Window(
        group_by=tuple(correlation["group-by"]),
        timespan=timespan,
        timespan_s=seconds(timespan),
        at_least=int(correlation["condition"]["gte"]),
        counted=correlation["condition"].get("field"),
    )
