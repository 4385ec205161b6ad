"""Waiting for a replay: progress on stderr, how it ended on stdout."""

from __future__ import annotations

import asyncio
import sys
from dataclasses import asdict
from time import monotonic
from typing import TYPE_CHECKING

import typer

from gatetrail.cli.door import NO
from gatetrail.cli.talk import say, warn
from gatetrail.errors import Unavailable

if TYPE_CHECKING:
    from gatetrail.delivery.replay import Replay
    from gatetrail.runtime.records import Records
    from gatetrail.settings import ServiceSettings


async def wait_for(
    settings: ServiceSettings, records: Records, asked: Replay, event_count: int, *, as_json: bool
) -> None:
    """Wait for the end of a replay and print it. Ends with exit 1 when not all of it was delivered."""
    from gatetrail.cli.output import flush, put_json, put_sentence
    from gatetrail.runtime.replays import work_off

    progress = _Progress(event_count)
    say(f"Replay {asked.replay_id}: {event_count:,} events to sink {asked.sink_name}.")
    try:
        ended = await work_off(settings, records, asked, progress)
    except (asyncio.CancelledError, Unavailable):
        progress.clear()
        say(f"Replay {asked.replay_id} stays asked for; to end it: gatetrail sinks cancel {asked.replay_id}")
        raise
    progress.clear()
    if as_json:
        put_json(asdict(ended))
    else:
        put_sentence(_in_words(ended, progress.took_s))
    flush()
    if ended.cancelled or ended.quarantined_count:
        raise typer.Exit(NO)


def _in_words(ended: Replay, took_s: float) -> str:
    text = f"sink {ended.sink_name}: {ended.delivered_count:,} events delivered again in {took_s:.1f} s"
    if ended.quarantined_count:
        text += f", {ended.quarantined_count:,} refused and in quarantine"
    return f"{text}; cancelled before its end" if ended.cancelled else text


class _Progress:
    """A counter on stderr, where somebody looks at it; a failure is told everywhere, once for each reason."""

    def __init__(self, event_count: int) -> None:
        self._event_count = event_count
        self._shown = sys.stderr.isatty()
        self._told: str | None = None
        self._began_s = monotonic()

    @property
    def took_s(self) -> float:
        return monotonic() - self._began_s

    def __call__(self, now: Replay) -> None:
        if now.last_error is not None and now.last_error != self._told:
            self.clear()
            warn(f"sink {now.sink_name} takes nothing: {now.last_error}; it is tried again until it does")
        self._told = now.last_error
        if self._shown:
            sys.stderr.write(f"\r\x1b[K{now.delivered_count + now.quarantined_count:,} of {self._event_count:,} events")
            sys.stderr.flush()

    def clear(self) -> None:
        if self._shown:
            sys.stderr.write("\r\x1b[K")
            sys.stderr.flush()
