"""The record opened for reading: what commands that only look need."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from gatetrail.delivery.replay import Moments, Replays
from gatetrail.delivery.sink import CursorStore
from gatetrail.events.rule_usage import RuleUsage
from gatetrail.events.search import Search
from gatetrail.events.tally import Tally
from gatetrail.events.verification import Verifications, Verifier
from gatetrail.runtime.database import open_database
from gatetrail.settings import ServiceSettings
from gatetrail_sinks.postgres.connection import open_pool
from gatetrail_sinks.postgres.cursors import open_cursors
from gatetrail_sinks.postgres.head import PostgresHead
from gatetrail_sinks.postgres.migrate import migrate
from gatetrail_sinks.postgres.moments import PostgresMoments
from gatetrail_sinks.postgres.replays import PostgresReplays
from gatetrail_sinks.postgres.rule_usage import PostgresRuleUsage
from gatetrail_sinks.postgres.search import PostgresSearch
from gatetrail_sinks.postgres.tally import PostgresTally
from gatetrail_sinks.postgres.verifications import PostgresVerifications
from gatetrail_sinks.postgres.verify import PostgresVerifier


@dataclass(frozen=True, slots=True)
class Records:
    """Readers of one database."""

    search: Search
    verifier: Verifier
    verifications: Verifications
    cursors: CursorStore
    head: PostgresHead
    tally: Tally
    rules: RuleUsage
    replays: Replays
    moments: Moments
    dsn: str


@asynccontextmanager
async def open_records(settings: ServiceSettings) -> AsyncGenerator[Records]:
    """Readers of the settings' database, which is brought up to date first; one who may only read finds it so.

    Raises `DatabaseUnavailable`, `DataFolderUnusable` or `MigrationRefused`.
    """
    async with open_database(settings) as dsn:
        await migrate(dsn)
        async with open_cursors(dsn) as cursors, open_pool(dsn, size=2) as pool:
            yield Records(
                search=PostgresSearch(dsn, pool),
                verifier=PostgresVerifier(dsn),
                verifications=PostgresVerifications(dsn, pool),
                cursors=cursors,
                head=PostgresHead(dsn, pool),
                tally=PostgresTally(dsn, pool),
                rules=PostgresRuleUsage(dsn, pool),
                replays=PostgresReplays(dsn, pool),
                moments=PostgresMoments(dsn, pool),
                dsn=dsn,
            )
