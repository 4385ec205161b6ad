"""Sessions of one process: their store, and what is done for them beside the calls."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import assert_never

from gatetrail.clock import Clock
from gatetrail.errors import Unavailable
from gatetrail.events.stamp import Stamp
from gatetrail.redaction import Redaction
from gatetrail.runtime.background import in_background
from gatetrail.runtime.folder import sessions_file
from gatetrail.runtime.recording import Recording
from gatetrail.sessions import Sessions, SessionUpkeep, WholeSessionStore
from gatetrail.sessions.memory import SessionsInMemory
from gatetrail.sessions.sqlite import open_sqlite_sessions
from gatetrail.settings import ServiceSettings, SessionSettings, SessionStoreKind
from gatetrail_sinks.postgres.connection import Pool
from gatetrail_sinks.postgres.sessions import PostgresSessions

log = logging.getLogger("gatetrail.sessions")

UPKEEP_INTERVAL_S = 30.0


@asynccontextmanager
async def open_sessions(
    settings: ServiceSettings, recording: Recording, stamp: Stamp, redaction: Redaction, clock: Clock
) -> AsyncGenerator[Sessions]:
    """Sessions in the store that the settings name, which ends and forgets them in time.

    Raises `DataFolderUnusable`.
    """
    async with AsyncExitStack() as stack:
        opening = open_session_store(settings, recording.dsn, recording.pool, clock)
        store = await stack.enter_async_context(opening)
        sessions = Sessions(store, stamp, recording.ledger.commit_or_spool, redaction)
        in_background(stack, store.watch(lambda session_id, _: sessions.forget(session_id)), "gatetrail sessions' ends")
        in_background(stack, _keep_up(sessions, store, settings.sessions), "gatetrail sessions' upkeep")
        yield sessions


@asynccontextmanager
async def open_session_store(
    settings: ServiceSettings, dsn: str, pool: Pool, clock: Clock
) -> AsyncGenerator[WholeSessionStore]:
    """The store that the settings name. Raises `DataFolderUnusable`."""
    match settings.sessions.store:
        case SessionStoreKind.POSTGRES:
            yield PostgresSessions(dsn, pool)
        case SessionStoreKind.SQLITE:
            async with open_sqlite_sessions(sessions_file(settings), clock) as store:
                yield store
        case SessionStoreKind.MEMORY:
            yield SessionsInMemory(clock)
        case _:
            assert_never(settings.sessions.store)


async def _keep_up(sessions: Sessions, store: SessionUpkeep, settings: SessionSettings) -> None:
    because = f"it was not used for {settings.life_s:g} s"
    while True:
        try:
            await _note_use(sessions, store)
            for ended in await store.expire(settings.life_s, settings.keep_ended_s, because):
                sessions.forget(ended.session_id)
                await sessions.tell_ended(ended, because)
        except Unavailable as problem:
            log.warning("sessions cannot be kept up now: %s", problem)
        except Exception:  # what one round has met is no reason for sessions never to end again
            log.exception("sessions cannot be kept up now")
        await asyncio.sleep(UPKEEP_INTERVAL_S)


async def _note_use(sessions: Sessions, store: SessionUpkeep) -> None:
    used = sessions.take_used()
    try:
        await store.used(used)
    except Unavailable:
        sessions.not_noted(used)
        raise
