"""The embedded server as the composition root sees it."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Self

from gatetrail.errors import DatabaseUnavailable
from gatetrail_sinks.postgres.embedded.account import choose_account
from gatetrail_sinks.postgres.embedded.folder import DataFolder, prepare_folder
from gatetrail_sinks.postgres.embedded.keeper import Keeper


class EmbeddedPostgres:
    """A PostgreSQL server in a folder, up between `start` and `stop`, shared by processes.

    The first process that starts on a folder owns the server: it is its child and ends with it,
    even when the process is killed (on Linux). The other processes connect to the same server. When
    the owner goes, one of them starts the server again within a second or two; the DSN stays the
    same and pools reconnect to it.

    `data_dir` is made if it is missing. `server_user` matters to root only, see `choose_account`.
    `start_timeout_s` bounds the wait for the first answer, crash recovery included, in seconds.
    """

    def __init__(
        self,
        data_dir: Path,
        *,
        server_user: str | None = None,
        start_timeout_s: float = 60.0,
    ) -> None:
        self._folder = DataFolder(data_dir.resolve())
        self._server_user = server_user
        self._start_timeout_s = start_timeout_s
        self._keeper: Keeper | None = None

    @property
    def dsn(self) -> str:
        """The libpq connection string, password included; known from `start` to `stop`.

        Raises:
            DatabaseUnavailable: the server is not started.
        """
        if self._keeper is None or self._keeper.dsn is None:
            raise DatabaseUnavailable("The embedded PostgreSQL is not started; it has no address.")
        return self._keeper.dsn

    @property
    def owner(self) -> bool:
        """Whether this process is the parent of the running server."""
        return self.pid is not None

    @property
    def pid(self) -> int | None:
        """The pid of the running server, or None while another process owns it."""
        return None if self._keeper is None else self._keeper.pid

    async def start(self) -> None:
        """Returns when the server answers and is safe; a second call does nothing.

        Raises:
            DataFolderUnusable: no permission, no space, another user's folder, not a cluster.
            DatabaseUnavailable: it did not start, did not answer in time, or could lose rows.
        """
        if self._keeper is not None:
            return
        account = choose_account(self._server_user, self._folder.cluster)
        prepare_folder(self._folder)
        keeper = self._keeper = Keeper(self._folder, account, self._start_timeout_s)
        keeper.start()
        try:
            await asyncio.to_thread(keeper.wait_until_settled)
        except asyncio.CancelledError:
            await self.stop()
            raise
        if keeper.failure is not None:
            self._keeper = None
            raise keeper.failure

    async def stop(self) -> None:
        """Returns when our server is gone and the lock is free; a second call does nothing."""
        keeper, self._keeper = self._keeper, None
        if keeper is not None:
            keeper.ask_to_stop()
            await asyncio.to_thread(keeper.join)

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.stop()
