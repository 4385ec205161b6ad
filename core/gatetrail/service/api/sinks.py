"""`/v1/sinks`: where events go, and how far they have come."""

from __future__ import annotations

from collections.abc import Sequence

from fastapi import APIRouter, Depends
from pydantic import BaseModel, ConfigDict

from gatetrail.delivery.sink_health import SinkHealth
from gatetrail.delivery.sink_keys import never_run, sink_keys
from gatetrail.service.api.door import Door
from gatetrail.service.api.route import add_reading
from gatetrail.service.api.sources import Sources


class SinkShown(BaseModel):
    """One sink, as `gatetrail sinks --json` tells it. Times are RFC 3339."""

    model_config = ConfigDict(frozen=True, use_attribute_docstrings=True)

    sink_name: str
    health: SinkHealth
    cursor_seq: int | None
    """Everything up to here was acknowledged or put aside; null for a sink that has never run."""
    head_seq: int
    lag: int | None
    """Events between the cursor and the journal's head."""
    owned: bool
    """Some process drives it."""
    acknowledged_at: str | None
    moved_at: str | None
    """When the cursor moved last."""
    waiting_since: str | None
    """When the next event was recorded; null when none waits."""
    last_error: str | None
    failing_since: str | None
    failure_told: bool
    """The record tells that it fails, and not yet that it has recovered."""
    quarantined_count: int
    exported_count: int
    looked_at: str | None
    """When this was read, by the clock that the other times come from."""


class SinksShown(BaseModel):
    """All sinks that have ever run, and those that the settings name."""

    sinks: Sequence[SinkShown]


class SinkRoutes:
    """For those who see everything."""

    def __init__(self, sources: Sources, door: Door) -> None:
        self._sources = sources
        self._door = door

    def add_to(self, router: APIRouter) -> None:
        add_reading(
            router,
            "/v1/sinks",
            self.all,
            summary="The state of the sinks",
            model=SinksShown,
            dependencies=[Depends(self._door.require_all)],
        )

    async def all(self) -> SinksShown:
        """Health in a word, cursor, lag, last acknowledgement, failure and quarantine of every sink, by name.

        Needs the role `auditor` or the tier admin.
        """
        states = await self._sources.sinks.states()
        known = {state.sink_name: sink_keys(state) for state in states}
        head_seq = await self._sources.head.seq()
        named = {name: never_run(name, head_seq) for name in self._sources.sink_names}
        return SinksShown(sinks=[SinkShown.model_validate(keys) for _, keys in sorted({**named, **known}.items())])
