"""Questions to the record, and how they are asked."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from gatetrail.events.journal import Entry

Forms = tuple[str, ...]
"""One id in every form that it can have in the record: as it came, and as redaction writes it. Any of them fits."""


@dataclass(frozen=True, slots=True)
class EventFilter:
    """Which events are wanted. All that is set must fit; None fits everything."""

    since: str | None = None
    """RFC 3339; events at or after it."""
    until: str | None = None
    """RFC 3339; events before it."""
    user: Forms | None = None
    session: Forms | None = None
    trace: str | None = None
    client: Forms | None = None
    server: str | None = None
    tool: str | None = None
    """A glob: `*` any characters, `?` one; A to Z are the same in upper and lower case."""
    gate: str | None = None
    decision: str | None = None
    event: str | None = None
    """An event name, or a glob of one such as `audit.*`."""
    owner: Forms | None = None
    """Only events of this user, whoever is asked for: what somebody may see who may see no others'. Denials by scope
    and listings are not among them, because they would tell which tools are hidden from this user."""


class Search(Protocol):
    """Reads of the record for people. All raise `DatabaseUnavailable`."""

    async def newest(self, wanted: EventFilter, limit: int, before_seq: int | None = None) -> Sequence[Entry]:
        """The newest matching events, of those before a position if one is given, in the order of the record."""
        ...

    async def after(
        self, wanted: EventFilter, after_seq: int, limit: int, before_seq: int | None = None
    ) -> Sequence[Entry]:
        """The first matching events behind a position, and before another if one is given, in order."""
        ...

    async def of_decision(self, identifier: str) -> Sequence[Entry]:
        """All events of one decision, found by its id or by the id of one of its events."""
        ...


def like_pattern(glob: str | None) -> str | None:
    """A glob as SQL's LIKE writes it."""
    if glob is None:
        return None
    escaped = glob.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
    return escaped.replace("*", "%").replace("?", "_")
