"""The database: the one that the settings name, or the embedded one."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from gatetrail.runtime.folder import data_dir
from gatetrail.settings import ServiceSettings
from gatetrail_sinks.postgres.embedded import EmbeddedPostgres


@asynccontextmanager
async def open_database(settings: ServiceSettings) -> AsyncIterator[str]:
    """The DSN of a running server. Raises `DatabaseUnavailable` or `DataFolderUnusable`."""
    if settings.dsn is not None:
        yield settings.dsn.get_secret_value()
        return
    async with EmbeddedPostgres(data_dir(settings)) as server:
        yield server.dsn
