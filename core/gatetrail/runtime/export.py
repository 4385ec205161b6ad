"""Sinks by the settings' words, and the followers that drive them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from typing import Any

from pydantic import ValidationError

from gatetrail.clock import Clock
from gatetrail.dispatcher.ledger import Ledger
from gatetrail.errors import SettingsInvalid
from gatetrail.events.follower import Follower
from gatetrail.events.journal import Journal
from gatetrail.events.sink import CursorStore, Sink, Start, StartingPoint, starting_point
from gatetrail.events.stamp import Stamp
from gatetrail.settings import ServiceSettings
from gatetrail_sinks.file import FileSettings, FileSink

DRAIN_S = 5.0
"""How long followers may go on delivering when the process ends, unless said otherwise."""


def make_sink(name: str, options: dict[str, Any]) -> tuple[Sink, StartingPoint]:
    """One sink by its options, and where it begins when it is new. Raises `SettingsInvalid`."""
    options = dict(options)
    kind = options.pop("type", None)
    start = options.pop("start", Start.BEGINNING.value)
    try:
        match kind:
            case "file":
                return FileSink(name, FileSettings.model_validate(options)), starting_point(start)
            case _:
                raise SettingsInvalid(f"sinks.{name}.type: {kind!r} is no type of sink; expected file")
    except ValidationError as problem:
        first = problem.errors()[0]
        path = ".".join(str(part) for part in ("sinks", name, *first["loc"]))
        raise SettingsInvalid(f"{path}: {first['msg']}") from None
    except ValueError:
        raise SettingsInvalid(
            f"sinks.{name}.start: {start!r}; expected beginning, now, or a time such as 2026-01-31T08:00:00Z"
        ) from None


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
    made = [make_sink(name, options) for name, options in settings.sinks.items()]
    followers = [
        Follower(sink, journal, cursors, stamp, ledger.commit_or_spool, start=start, clock=clock)
        for sink, start in made
    ]
    tasks = [asyncio.create_task(follower.run()) for follower in followers]
    try:
        yield followers
    finally:
        await asyncio.gather(*(follower.stop(drain_s) for follower in followers), return_exceptions=True)
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks)
