"""The sink that delivers to Fluentd and Fluent Bit."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor

from gatetrail.errors import SinkUnavailable
from gatetrail.events.journal import Entry
from gatetrail.events.outgoing import Render, native
from gatetrail_sinks.fluentd.cord import Cord
from gatetrail_sinks.fluentd.packing import BatchMaker
from gatetrail_sinks.fluentd.receivers import Receivers
from gatetrail_sinks.fluentd.sender import AckingSender
from gatetrail_sinks.fluentd.settings import FluentdSettings


class FluentdSink:
    """`Sink` that sends each batch as one chunk and returns when a receiver has acknowledged it.

    A chunk's id comes from its events, so a batch that comes again is recognised where somebody looks for that;
    everybody else drops doubles by `event_id`. Fluentd and Fluent Bit acknowledge what is in their buffer: with a
    buffer in files it then survives a crash of theirs, with one in memory it does not. Refuses an entry that is no
    JSON, has no `@timestamp` that the protocol can tell, or that `render` makes nothing of.
    """

    def __init__(
        self,
        name: str,
        settings: FluentdSettings,
        render: Render = native,
        *,
        monotonic_s: Callable[[], float] = time.monotonic,
    ) -> None:
        self._name = name
        self._maker = BatchMaker(settings.tag, render)
        senders = [AckingSender(receiver, settings) for receiver in settings.receivers]
        self._receivers = Receivers(senders, settings.return_after_ms / 1000, monotonic_s)
        # One thread: a write that was cut off is over before the next one begins.
        self._thread = ThreadPoolExecutor(1, thread_name_prefix=f"gatetrail-{name}")
        self._cord = Cord()
        self._closed = False

    @property
    def name(self) -> str:
        return self._name

    async def write(self, entries: Sequence[Entry]) -> None:
        if self._closed:
            raise SinkUnavailable(f"the Fluentd sink {self._name} is closed")
        cord = self._cord = Cord()
        try:
            await asyncio.get_running_loop().run_in_executor(self._thread, self._write, entries, cord)
        except asyncio.CancelledError:
            cord.cut()
            raise

    async def close(self) -> None:
        if not self._closed:
            self._closed = True
            self._cord.cut()
            closing = asyncio.get_running_loop().run_in_executor(self._thread, self._receivers.close)
            self._thread.shutdown(wait=False)
            await closing

    def _write(self, entries: Sequence[Entry], cord: Cord) -> None:
        batch, refusal = self._maker.make(entries)
        if batch is not None:
            self._receivers.deliver(batch, cord)
        if refusal is not None:
            raise refusal
