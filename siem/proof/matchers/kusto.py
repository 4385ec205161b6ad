"""Kusto, read by Microsoft's language service and evaluated over events by our reading of Kusto's pages.

A rule that shows only what is of the last day is run once a day, and sees the fourteen days before, as Sentinel
would have it; all others are asked once, at the end of the record.
"""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from siem.golden import Event
from siem.languages.kusto_columns import EVENT_TIME, INGESTED_TIME, TABLE
from siem.places import TOWNS
from siem.proof import node
from siem.proof.asking import for_trace, microseconds
from siem.proof.grammars.kusto import columns
from siem.proof.matchers.values import NotUnderstood
from siem.queries import Language, query
from siem.rule import Rule

CAME_IN = "ingestion_time()"
"""What every row has, though no column."""
Found = frozenset[str] | NotUnderstood
"""The `event_id`s, or what in the query is not known."""
LONGEST_US = timedelta(days=14) // timedelta(microseconds=1)
"""What a scheduled rule of Sentinel may look back."""
DAY_US = timedelta(days=1) // timedelta(microseconds=1)


def covers(rule: Rule) -> bool:
    """Every query of ours can be run; a test holds that."""
    return query(rule, Language.KUSTO) is not None


def found(texts: Sequence[str], events: Sequence[Event]) -> list[Found]:
    """The `event_id`s that each query finds, or what in it is not known. Raises `NodeAway`."""
    rows = [row for event in events if (row := _row(event)) is not None]
    times_us = [int(row["TimeGenerated"]) for row in rows]
    return _answers(
        rows, [{"text": for_trace(text), "runs": _runs(text, min(times_us), max(times_us))} for text in texts]
    )


@dataclass(frozen=True, slots=True)
class Run:
    """One run of a scheduled rule."""

    text: str
    asked_us: int
    period_us: int


def told(runs: Sequence[Run], arrivals_us: Sequence[tuple[Event, int]]) -> list[Found]:
    """What each run finds of events that came in when they did. Raises `NodeAway`."""
    rows = [row for event, came_us in arrivals_us if (row := _row(event, came_us)) is not None]
    return _answers(rows, [{"text": run.text, "runs": [_span(run)]} for run in runs])


def _span(run: Run) -> Mapping[str, int]:
    return {"from_us": run.asked_us - run.period_us, "asked_us": run.asked_us}


def _answers(rows: Sequence[Mapping[str, Any]], queries: Sequence[Mapping[str, Any]]) -> list[Found]:
    types = {**columns(), CAME_IN: "datetime"}
    question = {"table": TABLE, "types": types, "rows": rows, "places": _places(), "queries": queries}
    answers: list[Mapping[str, Any]] = node.answer("kusto_run.cjs", question)
    return [frozenset(one["ids"]) if "ids" in one else NotUnderstood(one["unknown"]) for one in answers]


def _row(event: Event, came_us: int | None = None) -> Mapping[str, Any] | None:
    at_us = microseconds(event)
    if at_us is None:
        return None
    times = {INGESTED_TIME: at_us, EVENT_TIME: at_us, CAME_IN: at_us if came_us is None else came_us}
    return {**times, **{key: value for key, value in event.items() if key != "@timestamp"}}


def _runs(text: str, first_us: int, last_us: int) -> list[Mapping[str, int]]:
    if "ago(1d)" not in text:
        return [{"from_us": first_us, "asked_us": last_us}]
    asked_us = range(last_us, first_us, -DAY_US)
    return [{"from_us": at_us - LONGEST_US, "asked_us": at_us} for at_us in asked_us]


def _places() -> Mapping[str, Mapping[str, object]]:
    """In the place of Kusto's own geo table."""
    with TOWNS.open(encoding="utf-8") as lines:
        return {
            row["src_ip"]: {
                "latitude": float(row["latitude"]),
                "longitude": float(row["longitude"]),
                "city": row["city"],
            }
            for row in csv.DictReader(lines)
        }
