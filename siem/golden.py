"""What each rule must find in the events, as the script that planted them says."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import orjson

from siem.places import CORPUS, GOLDEN

Event = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Case:
    """Events that were planted, each to be found for itself."""

    event_ids: tuple[str, ...]
    why: str


@dataclass(frozen=True, slots=True)
class NearMiss:
    """Events that look like a case and are none."""

    event_ids: tuple[str, ...]
    why: str


@dataclass(frozen=True, slots=True)
class Golden:
    """Of one rule. An event counts as found when the pattern is complete with it: the twentieth of twenty."""

    matches: frozenset[str]
    """Of all cases together."""
    cases: tuple[Case, ...]
    near_misses: tuple[NearMiss, ...]


@cache
def corpus() -> Sequence[Event]:
    """The events, oldest first."""
    return [orjson.loads(line) for line in CORPUS.read_bytes().splitlines()]


@cache
def golden() -> Mapping[str, Golden]:
    """By rule name."""
    return {
        name: Golden(
            frozenset(found["matches"]),
            tuple(Case(tuple(case["event_ids"]), case["why"]) for case in found["cases"]),
            tuple(NearMiss(tuple(miss["event_ids"]), miss["why"]) for miss in found["near_misses"]),
        )
        for name, found in orjson.loads(GOLDEN.read_bytes()).items()
    }


@cache
def traced() -> str:
    """The trace that `trace_events` looks for in the events."""
    return str(orjson.loads(GOLDEN.read_bytes())["trace_events"]["trace_id"])
