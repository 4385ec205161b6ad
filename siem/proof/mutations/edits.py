"""Small changes of events. Each gives new events and leaves the old ones as they are."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from gatetrail.clock import rfc3339
from siem.golden import Event
from siem.proof.asking import microseconds, time_of

Edit = Callable[[Event], Event]
SECOND_US = 1_000_000


def renamed(key: str) -> Edit:
    """What stood in the key stands in another one, which nobody asks for."""
    return lambda event: {f"{name}_renamed" if name == key else name: value for name, value in event.items()}


def saying(**values: Any) -> Edit:
    """These keys say this; None takes the key away."""
    return lambda event: {key: value for key, value in {**event, **values}.items() if value is not None}


def earlier(by_us: int) -> Edit:
    """So many microseconds earlier; negative: later."""
    return lambda event: at_us(event, time_us(event) - by_us)


def at_us(event: Event, us: int) -> Event:
    """At another time, in microseconds since 1970."""
    return {**event, "@timestamp": rfc3339(us)}


def at(event: Event, moment: datetime) -> Event:
    """At another time."""
    return earlier((time_of(event) - moment) // timedelta(microseconds=1))(event)


def twin(event: Event, why: str, after_us: int = 1) -> Event:
    """The same once more, under its own ids, a little later or (negative) earlier; at the same `seq`."""
    own = {
        key: str(uuid.uuid5(uuid.NAMESPACE_URL, f"{why} {event[key]}"))
        for key in ("event_id", "execution_id")
        if key in event
    }
    return {**earlier(-after_us)(event), **own}


def edited(events: Sequence[Event], changed: Iterable[Event], edit: Edit) -> Sequence[Event]:
    """All events, these of them changed."""
    ids = {event["event_id"] for event in changed}
    return [edit(event) if event["event_id"] in ids else event for event in events]


def without(events: Sequence[Event], gone: Iterable[Event]) -> Sequence[Event]:
    """All events but these."""
    ids = {event["event_id"] for event in gone}
    return [event for event in events if event["event_id"] not in ids]


def with_after(events: Sequence[Event], place: Event, *added: Event) -> Sequence[Event]:
    """More of them, right behind another."""
    index = next(number for number, event in enumerate(events) if event["event_id"] == place["event_id"])
    return [*events[: index + 1], *added, *events[index + 1 :]]


def by_id(events: Sequence[Event]) -> Mapping[str, Event]:
    """The events by `event_id`."""
    return {str(event["event_id"]): event for event in events}


def time_us(event: Event) -> int:
    """Its time in microseconds since 1970."""
    us = microseconds(event)
    assert us is not None, f"{event['event_id']} has no time"
    return us
