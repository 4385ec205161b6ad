"""What leaves through a sink: the text of an event, and where a batch has to stop."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from gatetrail.errors import EventRefused
from gatetrail.events.journal import Entry

Prepared = TypeVar("Prepared")

Render = Callable[[Entry], bytes]
"""Gives the one line, without its line break, that stands for an event outside. Raises ValueError for no event."""


def native(entry: Entry) -> bytes:
    """The journal's own bytes."""
    return entry.line


@dataclass(frozen=True, slots=True)
class Outgoing(Generic[Prepared]):
    """The front of a batch that can be sent, and why the entry behind it cannot, if there is one.

    A sink sends `ready`, waits until the other side holds it, and raises `refusal` only then.
    """

    ready: list[Prepared]
    refusal: EventRefused | None


def prepared(entries: Sequence[Entry], prepare: Callable[[Entry], Prepared]) -> Outgoing[Prepared]:
    """Prepare entries in order up to the first one that raises ValueError."""
    ready: list[Prepared] = []
    for entry in entries:
        try:
            ready.append(prepare(entry))
        except ValueError as problem:
            return Outgoing(ready, EventRefused(entry.seq, f"event {entry.seq} cannot be sent: {problem}"))
    return Outgoing(ready, None)
