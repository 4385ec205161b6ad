"""Who looks on while calls are decided: the counters, and the spans where somebody traces."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

from gatetrail.dispatcher.observer import Observer, Observers
from gatetrail.runtime.metrics.tallies import Tallies
from gatetrail.runtime.tracing import tracing
from gatetrail.settings import ServiceSettings


@asynccontextmanager
async def observing(settings: ServiceSettings, tallies: Tallies, instance_id: str) -> AsyncGenerator[Observer]:
    """The observer for as long as the block lasts. Raises `SettingsInvalid`."""
    async with tracing(settings.traces, instance_id) as spans:
        yield tallies if spans is None else Observers(tallies, spans)
