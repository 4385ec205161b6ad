"""The database: the one that the settings name, or the embedded one."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

import psycopg
from psycopg.conninfo import conninfo_to_dict

from gatetrail.errors import SettingsInvalid
from gatetrail.runtime.folder import data_dir
from gatetrail.runtime.telling import Tell, quiet
from gatetrail.settings import ServiceSettings
from gatetrail_sinks.postgres.embedded import EmbeddedPostgres


@asynccontextmanager
async def open_database(settings: ServiceSettings, tell: Tell = quiet) -> AsyncGenerator[str]:
    """The DSN of a running server. `tell` gets a sentence when a server of our own is about to stop.

    Raises `DatabaseUnavailable`, `DataFolderUnusable` or `SettingsInvalid`.
    """
    if settings.dsn is not None:
        yield _checked(settings.dsn.get_secret_value())
        return
    async with EmbeddedPostgres(data_dir(settings)) as server:
        try:
            yield server.dsn
        finally:
            if server.owner:
                tell("Ending: PostgreSQL stops.")


def _checked(dsn: str) -> str:
    try:
        conninfo_to_dict(dsn)
    except psycopg.Error:
        # Neither the DSN nor the driver's words, which may repeat a password.
        raise SettingsInvalid(
            "dsn (GATETRAIL_DSN): cannot be read; expected for example postgresql://user@host:5432/name"
            " or host=... user=... dbname=..."
        ) from None
    return dsn
