"""Counts what a search matched, in a window that slides."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta

from siem.golden import Event
from siem.rule import Window


def complete(window: Window, counted: Sequence[Event]) -> frozenset[str]:
    """Ids of the events with which the condition holds, of those that the search of the rule's base matched.

    The window ends at each event in turn and reaches back the timespan; both ends belong to it. Datadog's detection
    rules do it so (an evaluation window "is a sliding window and evaluates in real time"). Events of one
    moment see those before them in the order given.
    """
    groups: dict[tuple[object, ...], list[Event]] = {}
    found: set[str] = set()
    for event in sorted(counted, key=_at):
        group = tuple(event.get(key) for key in window.group_by)
        if None in group:
            continue
        earlier = groups.setdefault(group, [])
        earlier.append(event)
        if _reached(window, list(_within(window, earlier))):
            found.add(str(event["event_id"]))
    return frozenset(found)


def _within(window: Window, events: Sequence[Event]) -> Iterator[Event]:
    """Those of the window that ends with the last one, newest first."""
    begin = _at(events[-1]) - timedelta(seconds=window.timespan_s)
    for event in reversed(events):
        if _at(event) < begin:
            return
        yield event


def _reached(window: Window, events: Sequence[Event]) -> bool:
    if window.counted is None:
        return len(events) >= window.at_least
    return len({event[window.counted] for event in events if window.counted in event}) >= window.at_least


def _at(event: Event) -> datetime:
    return datetime.fromisoformat(str(event["@timestamp"]))
