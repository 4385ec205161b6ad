"""What checking the whole record finds."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol


class Flaw(StrEnum):
    """What can be wrong with a record."""

    MISSING_EVENT = "missing_event"
    """A position is not there: a row was deleted."""
    CHANGED_EVENT = "changed_event"
    """A line does not have the hash that was recorded for it."""
    BROKEN_LINK = "broken_link"
    """A line does not follow from the one before: rows were swapped, inserted or rewritten."""
    CHANGED_COLUMN = "changed_column"
    """A column does not repeat what the line says."""
    CUT_TAIL = "cut_tail"
    """The chain ends before, or elsewhere than, its head says."""
    MISSING_EXECUTION = "missing_execution"
    CHANGED_EXECUTION = "changed_execution"
    INVENTED_EXECUTION = "invented_execution"
    """A row that no event of the journal speaks of."""


@dataclass(frozen=True, slots=True)
class Intact:
    """Everything follows from everything."""

    events: int
    executions: int
    head_seq: int
    head_hash: str


@dataclass(frozen=True, slots=True)
class Broken:
    """The first bad row: by position in the journal, else by execution."""

    flaw: Flaw
    seq: int | None
    execution_id: str | None
    detail: str
    checked_events: int


Verification = Intact | Broken


class Verifier(Protocol):
    """Recomputes everything from the rows themselves; trusts no stored hash."""

    async def verify(self, progress: Callable[[int], None]) -> Verification:
        """Check one consistent view of the whole record. `progress` is told the number of checked events.

        Raises `DatabaseUnavailable`.
        """
        ...


@dataclass(frozen=True, slots=True)
class NotedVerification:
    """A check that came to an end, as it was noted. It stands beside the record, so it proves nothing by itself."""

    checked_at: str
    """RFC 3339 in UTC, by the clock of the database."""
    intact: bool
    head_seq: int | None
    """The last position that was checked; None when the record was not intact, as the two below."""
    head_hash: str | None
    executions: int | None
    events: int
    """How many events were in order."""
    flaw: Flaw | None
    """What was found first; None when the record was intact, as are the three below."""
    flawed_seq: int | None
    """The first bad position, where the flaw has one."""
    flawed_execution_id: str | None
    detail: str | None


class Verifications(Protocol):
    """Remembers what was found, so that people see when somebody looked last."""

    async def note(self, found: Verification) -> bool:
        """Keep it. False when this reader may not write. Raises `DatabaseUnavailable`."""
        ...

    async def latest(self) -> NotedVerification | None:
        """The newest one; None when nobody has ever checked. Raises `DatabaseUnavailable`."""
        ...
