"""What every process that records has open: database, journal, spool, and the recovery of what others left behind."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass

import anyio

from gatetrail.dispatcher.ledger import Ledger
from gatetrail.dispatcher.recovery import Recovery
from gatetrail.events.executions import AgentCalls
from gatetrail.events.fields import Record
from gatetrail.events.journal import CommitObserver
from gatetrail.events.spool import Spool
from gatetrail.events.stamp import Stamp
from gatetrail.runtime.background import in_background
from gatetrail.runtime.database import open_database
from gatetrail.runtime.folder import spool_dir
from gatetrail.runtime.telling import Tell, quiet
from gatetrail.settings import ServiceSettings
from gatetrail_sinks.postgres.agent_calls import PostgresAgentCalls
from gatetrail_sinks.postgres.connection import Pool, open_pool
from gatetrail_sinks.postgres.executions import PostgresExecutions
from gatetrail_sinks.postgres.journal import PostgresJournal, open_journal
from gatetrail_sinks.postgres.migrate import migrate
from gatetrail_sinks.postgres.writer import WriterSettings

RECOVERY_INTERVAL_S = 5.0


@dataclass(frozen=True, slots=True)
class Recording:
    """A migrated database, and the ledger that writes to it."""

    dsn: str
    pool: Pool
    journal: PostgresJournal
    ledger: Ledger
    spool: Spool
    agent_calls: AgentCalls


@asynccontextmanager
async def open_recording(
    settings: ServiceSettings,
    stamp: Stamp,
    redacted: Callable[[Record], Record],
    tell: Tell = quiet,
    observer: CommitObserver | None = None,
    pause: Callable[[float], Awaitable[None]] = anyio.sleep,
) -> AsyncGenerator[Recording]:
    """The settings' database, brought up to date, with nothing left in the spool at the end that the journal takes.

    `redacted` gives an event as it may be written; `tell` gets a sentence at each step of the end;
    `pause` lies between two looks for what others left behind.
    Raises `DatabaseUnavailable`, `DataFolderUnusable` or `MigrationRefused`.
    """
    async with AsyncExitStack() as stack:
        dsn = await stack.enter_async_context(open_database(settings, tell))
        await migrate(dsn)
        pool = await stack.enter_async_context(open_pool(dsn))
        limits = _writer_settings(settings)
        opened = open_journal(dsn, pool, instance_id=stamp.instance_id, settings=limits, observer=observer)
        journal = await stack.enter_async_context(opened)
        stack.callback(tell, "Ending: the journal closes.")
        spool = Spool(spool_dir(settings), stamp.instance_id)
        stack.callback(spool.close)
        executions = PostgresExecutions(dsn, pool, stamp.instance_id)
        agent_calls = PostgresAgentCalls(dsn, pool)
        recovery = Recovery(journal, executions, spool, stamp, agent_calls, settings.agents.report_within_s)
        await recovery.once()
        stack.push_async_callback(recovery.last)
        in_background(stack, recovery.run(RECOVERY_INTERVAL_S, pause), "gatetrail recovery")
        yield Recording(dsn, pool, journal, Ledger(journal, spool, redacted), spool, agent_calls)


def _writer_settings(settings: ServiceSettings) -> WriterSettings:
    journal = settings.journal
    return WriterSettings(append_limit_ms=journal.append_limit_ms, batch_events=journal.batch_events)
