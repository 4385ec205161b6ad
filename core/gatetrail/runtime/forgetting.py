"""Sinks that are gone for good."""

from __future__ import annotations

from dataclasses import dataclass

from gatetrail.delivery.sink import CursorState, Start
from gatetrail.errors import WrongUse
from gatetrail.events.model import AuditGap
from gatetrail.events.stamp import Stamp
from gatetrail.runtime.exporting import open_exporting
from gatetrail.settings import ServiceSettings
from gatetrail.words import Level
from gatetrail_sinks.postgres.cursors import PostgresCursors, open_cursors


@dataclass(frozen=True, slots=True)
class Forgotten:
    """What there was of a sink. Its events themselves stand in the journal as before."""

    sink_name: str
    cursor_seq: int
    """Everything up to here had been acknowledged or put into quarantine."""
    head_seq: int
    """Where the journal ended."""
    quarantined_count: int
    """Events of its quarantine that went with it."""
    open_replay_count: int
    """Replays that were not over and went with it."""


async def forget_sink(settings: ServiceSettings, name: str, *, force: bool = False) -> Forgotten:
    """Remove a sink's position, quarantine and replays; an `audit.gap` tells so in the record, before that happens.

    `force` lets go of one that the settings still name: whoever drives it next begins anew. Raises `WrongUse` for
    a sink that nobody knows, that a process drives, or that the settings name; and what `open_exporting` raises.
    """
    if name in settings.sinks and not force:
        raise WrongUse(
            f"the settings name sink {name}: take it out of service.yaml first, or give --force to begin anew"
        )
    async with (
        open_exporting(settings.model_copy(update={"sinks": {}})) as exporting,
        open_cursors(exporting.recording.dsn) as cursors,
    ):
        state = await _taken(cursors, name)
        await exporting.recording.ledger.commit(_told(exporting.stamp, state))
        seq, quarantined_count, open_replay_count = await cursors.forget(name)
        return Forgotten(name, seq, state.head_seq, quarantined_count, open_replay_count)


async def _taken(cursors: PostgresCursors, name: str) -> CursorState:
    """Owned by us from here on, so that nobody moves it or takes it up meanwhile."""
    states = {state.sink_name: state for state in await cursors.states()}
    if name not in states:
        known = f"known are {', '.join(states)}" if states else "none has run yet"
        raise WrongUse(f"no sink {name!r} has ever run; {known}")
    if await cursors.acquire(name, Start.NOW) is None:
        raise WrongUse(f"a process drives sink {name}: end it first, or take the sink out of its settings")
    return next(state for state in await cursors.states() if state.sink_name == name)


def _told(stamp: Stamp, state: CursorState) -> AuditGap:
    first_seq = state.seq + 1
    return AuditGap(
        **stamp(Level.WARNING, f"sink {state.sink_name} is forgotten: events from {first_seq} on do not reach it"),
        sink_name=state.sink_name,
        first_missing_seq=first_seq,
        last_missing_seq=max(state.head_seq, first_seq),
        reason=(
            "the sink was removed by command, with its position and"
            f" {state.quarantined_count} events in its quarantine; the journal has them"
        ),
    )
