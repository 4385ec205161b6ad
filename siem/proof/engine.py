"""What runs a query over events: the same few words for databases, matchers and query engines."""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum
from typing import Protocol

from siem.golden import Event
from siem.rule import Rule


class Scope(StrEnum):
    """What the ids mean that an engine finds, and so what they are held against."""

    EVENTS = "events"
    """The events with which the pattern is complete: exactly the golden ids."""
    BASE = "base"
    """What a COUNT or DISTINCT rule counts: exactly the events of its base rule, wherever they are."""
    GROUPS = "groups"
    """At least one event of each group that the rule finds: the same values of the keys it groups by."""


class Engine(Protocol):
    """One way to ask. Safe to ask again and again, with other events each time; keeps nothing between two questions."""

    @property
    def name(self) -> str:
        """Of the engine, in tests and tables: `postgres`."""
        ...

    def covers(self, rule: Rule) -> bool:
        """Whether it can ask this rule; where it cannot, the other two are not called."""
        ...

    def scope(self, rule: Rule) -> Scope:
        """How it answers this rule."""
        ...

    def found(self, rule: Rule, events: Sequence[Event]) -> frozenset[str]:
        """The `event_id`s of what the rule finds in these events, which are in the order of the record.

        The time of asking is that of the last event (`siem.proof.asking`). Never changes an event. Whatever it
        raises is a fault of the query or of the engine.
        """
        ...
