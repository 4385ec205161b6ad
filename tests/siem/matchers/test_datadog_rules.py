"""The detection rules and monitors for Datadog, as they are installed, find what was planted.

Vector's matcher reads their searches; our window counts as Datadog documents it, one that slides.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import orjson
import pytest

from siem.golden import corpus, golden
from siem.places import SAMPLES
from siem.proof.matchers import datadog
from siem.proof.matchers.window import complete
from siem.rule import Window
from siem.sources import seconds

pytestmark = pytest.mark.requirement("E12")

FOLDER = SAMPLES / "datadog"
MONITOR = re.compile(
    r'logs\("(?P<search>(?:[^"\\]|\\.)*)"\)\.index\("\*"\)\.rollup\("(?P<rollup>\w+)"(?:, "@(?P<counted>\w+)")?\)'
    r'(?:\.by\("(?P<by>[@\w,]+)"\))?\.last\("(?P<last>\w+)"\) (?P<sign>>=|>) (?P<bound>\d+)'
)
CONDITION = re.compile(r"(?P<name>\w+) (?P<sign>>=|>) (?P<bound>\d+)")


def json_of(path: Path) -> Mapping[str, Any]:
    content: Mapping[str, Any] = orjson.loads(path.read_bytes())
    return content


def thresholds() -> Iterator[Path]:
    """Rules of the method that counts; the others are Datadog's own to evaluate."""
    for path in sorted((FOLDER / "security-rules").glob("*.json")):
        if json_of(path)["options"]["detectionMethod"] == "threshold":
            yield path


def names(keys: str | list[str]) -> tuple[str, ...]:
    several = keys.split(",") if isinstance(keys, str) else keys
    return tuple(key.removeprefix("@") for key in several)


def at_least(match: re.Match[str]) -> int:
    return int(match["bound"]) + (match["sign"] == ">")


def found(search: str, window: Window) -> frozenset[str]:
    matches = datadog.compiled(search)
    return complete(window, [event for event in corpus() if matches(event)])


@pytest.mark.parametrize("path", [*thresholds()], ids=lambda path: path.stem)
def test_a_detection_rule_finds_what_was_planted(path: Path) -> None:
    rule = json_of(path)
    (query,), (case,) = rule["queries"], rule["cases"]
    condition = CONDITION.fullmatch(case["condition"])
    assert condition is not None
    assert condition["name"] == query["name"]
    assert query["aggregation"] == ("cardinality" if query["distinctFields"] else "count")
    window = Window(
        group_by=names(query["groupByFields"]),
        timespan="",
        timespan_s=rule["options"]["evaluationWindow"],
        at_least=at_least(condition),
        counted=next(iter(names(query["distinctFields"])), None),
    )
    assert found(query["query"], window) == golden()[path.stem].matches


@pytest.mark.parametrize("path", sorted((FOLDER / "monitors").glob("*.json")), ids=lambda path: path.stem)
def test_a_monitor_finds_what_was_planted(path: Path) -> None:
    match = MONITOR.fullmatch(json_of(path)["query"])
    assert match is not None
    assert (match["rollup"] == "cardinality") == (match["counted"] is not None)
    window = Window(
        group_by=names(match["by"]) if match["by"] else (),
        timespan=match["last"],
        timespan_s=seconds(match["last"]),
        at_least=at_least(match),
        counted=match["counted"],
    )
    assert found(re.sub(r"\\(.)", r"\1", match["search"]), window) == golden()[path.stem].matches
