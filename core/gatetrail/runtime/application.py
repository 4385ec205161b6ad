"""The HTTP application of an open gate, with all that it reads from."""

from __future__ import annotations

import logging
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial
from typing import Any

from fastapi import APIRouter, FastAPI

from gatetrail.events.matching import Matching
from gatetrail.feed import open_feed
from gatetrail.runtime.checks import Check
from gatetrail.runtime.gatetrail import Gatetrail
from gatetrail.runtime.metrics.scrape import open_metrics
from gatetrail.runtime.readiness import readiness_of
from gatetrail.runtime.upstreams import upstream_checks, upstream_states
from gatetrail.service.agents import Reception, hook_routes
from gatetrail.service.api import Sources, api_routes
from gatetrail.service.app import create_app
from gatetrail.service.hosts import LOOPBACK
from gatetrail.service.request_log import log_requests
from gatetrail.settings import ServiceSettings
from gatetrail_sinks.postgres.connection import open_pool
from gatetrail_sinks.postgres.cursors import open_cursors
from gatetrail_sinks.postgres.head import PostgresHead
from gatetrail_sinks.postgres.listing import PostgresListing
from gatetrail_sinks.postgres.past import PostgresPast
from gatetrail_sinks.postgres.search import PostgresSearch
from gatetrail_sinks.postgres.stats import PostgresStats
from gatetrail_sinks.postgres.verifications import PostgresVerifications

READER_CONNECTIONS = 4
"""For the API alone: whatever people ask, decisions never wait for it."""


@asynccontextmanager
async def open_application(
    gate: Gatetrail,
    settings: ServiceSettings,
    servers: Mapping[str, Any],
    *,
    allowed_hosts: Sequence[str] = LOOPBACK,
    checks: Sequence[Check] = (),
) -> AsyncGenerator[FastAPI]:
    """The application that serves these server objects, to be served while the block lasts.

    `checks` are looked at by `/readyz` besides our own.
    Raises what `create_app` raises, and `DatabaseUnavailable`.
    """
    readiness = readiness_of(gate, [*checks, *upstream_checks(servers)])
    async with (
        open_sources(gate, settings) as sources,
        open_metrics(gate, readiness, sources.feed, settings.sinks, partial(upstream_states, servers)) as metrics,
    ):
        app = create_app(
            gate,
            servers,
            allowed_hosts=allowed_hosts,
            readiness=readiness,
            metrics=metrics,
            routers=[api_routes(sources, gate.adapter), _hook_routes(gate, settings)],
            policy=lambda: gate.dispatcher.gates.policy.document,
            public_url=settings.public_url,
        )
        if settings.logs.least.number <= logging.INFO:
            log_requests(app, gate.ids.new_id)
        yield app


def _hook_routes(gate: Gatetrail, settings: ServiceSettings) -> APIRouter:
    reception = Reception(gate.dispatcher, gate.recording.agent_calls, gate.stamp, gate.hooks)
    return hook_routes(reception, gate.adapter, settings.agents, gate.ids)


@asynccontextmanager
async def open_sources(gate: Gatetrail, settings: ServiceSettings) -> AsyncGenerator[Sources]:
    """What the API reads from, on connections of its own. Raises `DatabaseUnavailable`."""
    dsn = gate.dsn
    async with AsyncExitStack() as stack:
        feed = await stack.enter_async_context(open_feed(gate.journal, settings.stream))
        cursors = await stack.enter_async_context(open_cursors(dsn))
        pool = await stack.enter_async_context(open_pool(dsn, size=READER_CONNECTIONS))
        yield Sources(
            feed=feed,
            search=PostgresSearch(dsn, pool),
            listing=PostgresListing(dsn, pool),
            stats=PostgresStats(dsn, pool),
            head=PostgresHead(dsn, pool),
            sinks=cursors,
            verifications=PostgresVerifications(dsn, pool),
            policy=gate.live_policy,
            sink_names=tuple(settings.sinks),
            matching=Matching(),
            past=partial(PostgresPast, dsn, pool),
            stamp=gate.stamp,
            clock=gate.clock,
        )
