"""An answer to `/metrics`: what was counted, and one look at what can only be looked at."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncGenerator, Callable, Collection, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import cast

from prometheus_client import exposition
from prometheus_client.core import Metric
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.registry import Collector

from gatetrail.feed import Broadcaster
from gatetrail.runtime.background import in_background
from gatetrail.runtime.checks import Checks
from gatetrail.runtime.gatetrail import Gatetrail
from gatetrail.runtime.metrics.families import SnapshotFamilies
from gatetrail.runtime.metrics.instruments import Instruments, Now
from gatetrail.runtime.metrics.shared import SharedPolicies, shared_folder
from gatetrail.runtime.metrics.snapshot import Looker
from gatetrail.service.metrics import Exposition
from gatetrail.upstreams import UpstreamState

OPENMETRICS = "application/openmetrics-text"
Upstreams = Callable[[], Collection[UpstreamState]]
REFILL_S = 1.0
"""Among several workers, the numbers of those that are not asked are so old at most."""


class Scraper:
    """`Metrics` of `gatetrail.service.metrics`, for one application."""

    def __init__(
        self, gate: Gatetrail, looker: Looker, feed: Broadcaster, sink_names: Collection[str], upstreams: Upstreams
    ) -> None:
        self._gate = gate
        self._looker = looker
        self._feed = feed
        self._sink_names = sink_names
        self._upstreams = upstreams
        self._instruments = Instruments()
        folder, of_all = shared_folder(), cast("Callable[[None, str], Collector]", MultiProcessCollector)
        self._policies = SharedPolicies(folder, os.getpid())
        self._counted = self._instruments.registry if folder is None else of_all(None, str(folder))

    async def __call__(self, accept: str) -> Exposition:
        """Everything, in two seconds at most: what is away is left out, and told as `gatetrail_up` 0."""
        snapshot = await self._looker.look()
        self.fill()
        families = SnapshotFamilies(snapshot, self._policies.counted(self._gate.policy.version), self._sink_names)
        encode, content_type = _encoder_for(accept)
        created = content_type.startswith(OPENMETRICS)
        return Exposition(encode(Together((self._counted, families), created=created)), content_type)

    def fill(self) -> None:
        """Bring the instruments of this process up to date."""
        self._instruments.fill(self._gate.tallies, self._now())
        self._policies.tell(self._gate.policy.version)

    async def refill(self) -> None:
        """Do so for ever, for the other workers to read. Ends by cancellation."""
        while True:
            self.fill()
            await asyncio.sleep(REFILL_S)

    def _now(self) -> Now:
        pool, feed = self._gate.recording.pool.get_stats(), self._feed.state()
        idle, size = pool.get("pool_available", 0), pool.get("pool_size", 0)
        return Now(
            queue_depth=self._gate.journal.state().waiting_count,
            pool_idle=idle,
            pool_used=max(size - idle, 0),
            stream_connections=feed.connection_count,
            stream_refused=feed.refused_count,
            stream_dropped=feed.dropped_count,
            upstream_restarts={state.name: state.restarts for state in self._upstreams()},
            hook_runs=self._gate.hooks.tallies.runs,
            hook_s=self._gate.hooks.tallies.run_s,
            hook_waiting=self._gate.hooks.waiting,
            shadow_failures=self._gate.recording.ledger.counts.shadow_failures,
        )


def _encoder_for(accept: str) -> tuple[Callable[[Collector], bytes], str]:
    try:
        return exposition.choose_encoder(accept)
    except TypeError:  # it compares versions without a look at whether they are numbers
        return exposition.choose_encoder("")


@dataclass(frozen=True, slots=True)
class Together(Collector):
    """Several collectors as one."""

    parts: Collection[Collector]
    created: bool
    """Whether to tell when each counter began: the text format has no place for it and makes it a gauge."""

    def collect(self) -> Iterator[Metric]:
        for part in self.parts:
            for metric in part.collect():
                if not self.created:
                    metric.samples = [sample for sample in metric.samples if not sample.name.endswith("_created")]
                yield metric


@asynccontextmanager
async def open_metrics(
    gate: Gatetrail, checks: Checks, feed: Broadcaster, sink_names: Collection[str], upstreams: Upstreams
) -> AsyncGenerator[Scraper]:
    """The metrics of one application, for as long as the block lasts."""
    async with AsyncExitStack() as stack:
        looker = Looker(gate.recording, checks)
        stack.push_async_callback(looker.close)
        stack.push_async_callback(checks.close)
        scraper = Scraper(gate, looker, feed, sink_names, upstreams)
        if shared_folder() is not None:
            stack.callback(scraper.fill)
            in_background(stack, scraper.refill(), "gatetrail metrics")
        yield scraper
