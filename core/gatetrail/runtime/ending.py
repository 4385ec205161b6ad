"""Sessions as an administrator sees and ends them."""

from __future__ import annotations

from collections.abc import Sequence

from gatetrail.clock import SystemClock
from gatetrail.errors import WrongUse
from gatetrail.runtime.database import open_database
from gatetrail.runtime.emergency import open_emergency
from gatetrail.runtime.sessions import open_session_store
from gatetrail.sessions import SessionRow, telling
from gatetrail.settings import ServiceSettings, SessionStoreKind
from gatetrail_sinks.postgres.connection import open_pool
from gatetrail_sinks.postgres.migrate import migrate

ENDED_BY_COMMAND = "an administrator ended it"


async def newest_sessions(settings: ServiceSettings, user_id: str | None, limit: int) -> Sequence[SessionRow]:
    """What the store knows, the last used first.

    Raises `WrongUse` for sessions that only their process knows, `DatabaseUnavailable`, `DataFolderUnusable` or
    `MigrationRefused`.
    """
    _require_shared(settings)
    async with open_database(settings) as dsn:
        await migrate(dsn)
        async with open_pool(dsn, size=1) as pool, open_session_store(settings, dsn, pool, SystemClock()) as store:
            return await store.newest(user_id, limit)


async def end_session(settings: ServiceSettings, session_id: str) -> bool:
    """End a session in every process and record it; False when none of that id is open.

    Raises what `newest_sessions` raises, and `SettingsInvalid`.
    """
    _require_shared(settings)
    async with open_emergency(settings) as exporting:
        recording = exporting.recording
        async with open_session_store(settings, recording.dsn, recording.pool, SystemClock()) as store:
            ended = await store.end(session_id, ENDED_BY_COMMAND)
        if ended is None:
            return False
        event = telling.ended(ended, ENDED_BY_COMMAND, exporting.stamp, exporting.redaction.current)
        await recording.ledger.commit_or_spool(event)
        return True


def _require_shared(settings: ServiceSettings) -> None:
    if settings.sessions.store is SessionStoreKind.MEMORY:
        raise WrongUse("sessions.store is memory: nobody but the process that holds them knows its sessions")
