"""Events that a sink is to get once more: a range of the journal, or what stands in quarantine."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from gatetrail.events.journal import Entry


class ReplayKind(StrEnum):
    """Where the events of a replay come from."""

    RANGE = "range"
    """From the journal: everything from one position to another."""
    QUARANTINE = "quarantine"
    """From the quarantine: those that somebody has named."""


@dataclass(frozen=True, slots=True)
class Replay:
    """One request and how far it has come. It outlives the processes that ask for it and that work it off."""

    replay_id: int
    sink_name: str
    kind: ReplayKind
    first_seq: int
    last_seq: int
    next_seq: int
    """Everything below it, within the range, was acknowledged or put aside."""
    delivered_count: int
    quarantined_count: int
    last_error: str | None
    """Why the last try failed; None again with the next acknowledgement."""
    requested_at: str
    """RFC 3339, as all times here."""
    finished_at: str | None
    cancelled: bool


@dataclass(frozen=True, slots=True)
class PutAside:
    """An event in a sink's quarantine."""

    sink_name: str
    seq: int
    event_name: str
    line: bytes
    reason: str
    quarantined_at: str
    replay_id: int | None
    """The replay that is to send it again, while one is open."""


@dataclass(frozen=True, slots=True)
class Extent:
    """What the journal holds between two positions, both included. Times are those of the first and last event."""

    event_count: int
    first_at: str | None
    last_at: str | None


class ReplayWork(Protocol):
    """What the owner of a sink does with its replays. All raise `DatabaseUnavailable`, also when ownership is lost.

    What changes a replay gives it as it is then, or None when somebody has cancelled it meanwhile.
    """

    async def open_replay(self, sink_name: str) -> Replay | None:
        """The oldest one that is not finished."""
        ...

    async def put_aside_for(self, replay: Replay, limit: int) -> Sequence[Entry]:
        """The next events of a replay from the quarantine, in order."""
        ...

    async def advance_replay(self, replay: Replay, delivered: Sequence[Entry]) -> Replay | None:
        """Move behind what was acknowledged and take it out of the quarantine, in one transaction."""
        ...

    async def fail_replay(self, replay: Replay, reason: str) -> Replay | None:
        """Note why the sink takes nothing."""
        ...

    async def quarantine_replayed(self, replay: Replay, entry: Entry, reason: str) -> Replay | None:
        """Put one entry aside and move behind it, in one transaction."""
        ...

    async def finish_replay(self, replay: Replay) -> None:
        """There is nothing more in its range."""
        ...


class Replays(Protocol):
    """What people do with replays and quarantine. All raise `DatabaseUnavailable`."""

    async def request(self, sink_name: str, first_seq: int, last_seq: int) -> Replay:
        """Ask that a sink gets everything between two positions, both included, once more."""
        ...

    async def resend(self, sink_name: str, seqs: Sequence[int] | None) -> Replay | None:
        """Ask that a sink gets events of its quarantine once more: these, or all, but those that an open replay brings.

        None when there is nothing to ask for.
        """
        ...

    async def state(self, replay_id: int) -> Replay | None:
        """How far a replay has come; None when there is none of that number."""
        ...

    async def cancel(self, replay_id: int) -> bool:
        """End a replay before its time; False when it was over already, or never was."""
        ...

    async def put_aside(self, sink_name: str | None, after: tuple[str, int], limit: int) -> Sequence[PutAside]:
        """What stands in quarantine behind a pair of sink and position, in that order."""
        ...


class Moments(Protocol):
    """Where times lie in the journal, whose only order is that of `seq`. All raise `DatabaseUnavailable`."""

    async def before(self, moment: str) -> int:
        """The position before the first event recorded at or after a moment (RFC 3339); the head when there is none."""
        ...

    async def last_until(self, moment: str) -> int:
        """The last event recorded before a moment, late ones that came within minutes included; 0 for none."""
        ...

    async def extent(self, first_seq: int, last_seq: int) -> Extent:
        """What lies between two positions, both included."""
        ...
