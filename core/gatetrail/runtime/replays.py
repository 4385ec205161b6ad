"""Replays from the outside: which events, of which sink, and who brings them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass

from pydantic import SecretStr

from gatetrail.delivery.replay import Extent, Moments, Replay
from gatetrail.delivery.sink import CursorState
from gatetrail.errors import DatabaseUnavailable, WrongUse
from gatetrail.runtime.exporting import open_exporting
from gatetrail.runtime.records import Records
from gatetrail.settings import ServiceSettings

LOOK_S = 0.2

Place = int | str
"""A position in the journal, or a moment (RFC 3339)."""


@dataclass(frozen=True, slots=True)
class Span:
    """What a replay would bring. Empty when `last_seq` is below `first_seq`."""

    first_seq: int
    last_seq: int
    extent: Extent

    @property
    def is_empty(self) -> bool:
        return self.extent.event_count == 0

    @property
    def missing_count(self) -> int:
        """Positions of the range that the journal has not got any more."""
        return max(self.last_seq - self.first_seq + 1, 0) - self.extent.event_count


async def sink_of(records: Records, settings: ServiceSettings, name: str) -> CursorState | None:
    """What is known of a sink; None for one that the settings name and that never ran. Raises `WrongUse` for others."""
    states = {state.sink_name: state for state in await records.cursors.states()}
    known = sorted({*states, *settings.sinks})
    if name not in known:
        names = f"known are {', '.join(known)}" if known else "none has run yet, and the settings name none"
        raise WrongUse(f"--sink: there is no sink {name!r}; {names}")
    return states.get(name)


def require_driver(settings: ServiceSettings, name: str, state: CursorState | None) -> None:
    """Raises `WrongUse` when nobody drives a sink and nobody here could."""
    if name in settings.sinks or (state is not None and state.owned):
        return
    raise WrongUse(
        f"nobody drives sink {name}, and the settings do not name it: give the service.yaml that does with --config,"
        " or ask with --no-wait and start the process that drives it"
    )


async def span_of(records: Records, first: Place, last: Place | None) -> Span:
    """The range between two places; up to the journal's head when no last one is given. Raises `WrongUse`."""
    _require_order(first, last)
    head_seq = await records.head.seq()
    first_seq = max(first, 1) if isinstance(first, int) else await records.moments.before(first) + 1
    last_seq = min(await _last_seq(records.moments, last, head_seq), head_seq)
    extent = Extent(0, None, None)
    if first_seq <= last_seq:
        extent = await records.moments.extent(first_seq, last_seq)
    return Span(first_seq, last_seq, extent)


async def work_off(
    settings: ServiceSettings, records: Records, replay: Replay, progress: Callable[[Replay], None]
) -> Replay:
    """Wait until a replay is over and give its end; `progress` gets it as it is, now and then.

    Whoever drives the sink works it off. When nobody does, or whoever did is gone, it is done here, if the
    settings name the sink. Raises `DatabaseUnavailable`; the replay stays and goes on with the sink's next driver.
    """
    async with _standing_by(settings, records.dsn, replay.sink_name):
        while True:
            now = await records.replays.state(replay.replay_id)
            if now is None:
                raise DatabaseUnavailable(f"replay {replay.replay_id} is not in the database any more")
            progress(now)
            if now.finished_at is not None:
                return now
            await asyncio.sleep(LOOK_S)


@asynccontextmanager
async def _standing_by(settings: ServiceSettings, dsn: str, sink_name: str) -> AsyncGenerator[None]:
    if sink_name not in settings.sinks:
        yield
        return
    only = {"sinks": {sink_name: settings.sinks[sink_name]}, "dsn": SecretStr(dsn)}
    async with open_exporting(settings.model_copy(update=only)):
        yield


async def _last_seq(moments: Moments, last: Place | None, head_seq: int) -> int:
    if last is None:
        return head_seq
    return last if isinstance(last, int) else await moments.last_until(last)


def _require_order(first: Place, last: Place | None) -> None:
    # Of one kind, texts of times are in the order of the times.
    numbers = isinstance(first, int) and isinstance(last, int) and first > last
    moments = isinstance(first, str) and isinstance(last, str) and first > last
    if numbers or moments:
        raise WrongUse(f"--from {first} lies behind --to {last}")
