"""Sinks by the settings' words, and the followers that drive them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager

from gatetrail.clock import Clock
from gatetrail.delivery.follower import Follower
from gatetrail.delivery.sink import CursorStore
from gatetrail.dispatcher.ledger import Ledger
from gatetrail.events.journal import Journal
from gatetrail.events.stamp import Stamp
from gatetrail.runtime.sink_options import make_sink, parse_sink
from gatetrail.settings import ServiceSettings

DRAIN_S = 5.0
"""How long followers may go on delivering when the process ends, unless said otherwise."""


@asynccontextmanager
async def run_sinks(
    settings: ServiceSettings,
    journal: Journal,
    cursors: CursorStore,
    stamp: Stamp,
    ledger: Ledger,
    clock: Clock,
    *,
    drain_s: float = DRAIN_S,
) -> AsyncGenerator[Sequence[Follower]]:
    """Drive every sink of the settings, each by a follower in a task of its own; drain them at the end.

    A sink that another process drives is waited for. Raises `SettingsInvalid` before anything starts.
    """
    options = {name: parse_sink(name, given) for name, given in settings.sinks.items()}
    followers = [
        Follower(make_sink(name, one), journal, cursors, stamp, ledger.commit_or_spool, start=one.start, clock=clock)
        for name, one in options.items()
    ]
    tasks = [asyncio.create_task(follower.run()) for follower in followers]
    try:
        yield followers
    finally:
        try:
            await asyncio.gather(*(follower.stop(drain_s) for follower in followers), return_exceptions=True)
        finally:  # whoever cuts the draining short still waits for what holds connections
            for task in tasks:
                task.cancel()
            if tasks:
                await asyncio.wait(tasks)
