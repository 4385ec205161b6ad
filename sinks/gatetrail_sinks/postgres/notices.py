"""What processes on one database tell each other: short texts on a channel of LISTEN and NOTIFY."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable

import psycopg
from psycopg import sql

from gatetrail.errors import DatabaseUnavailable
from gatetrail_sinks.postgres.connection import connect

log = logging.getLogger("gatetrail.notices")

RECONNECT_S = 0.5
MARGIN_S = 10.0
"""A connection that is dead may be noticed so late."""


class Notices:
    """Hears one channel, on a connection of its own. A notice that nobody heard is lost, so listeners catch up."""

    def __init__(self, dsn: str, channel: str) -> None:
        self._dsn = dsn
        self._channel = channel

    async def hear(self, heard: Callable[[str], None], catch_up: Callable[[float], Awaitable[None]]) -> None:
        """Call `heard` with each text, until cancelled; comes back by itself when the server does.

        Whenever listening begins, `catch_up` is called first, with the seconds in which something may have been missed.
        """
        loop = asyncio.get_running_loop()
        deaf_since_s = loop.time()
        while True:
            try:
                name = f"gatetrail {self._channel}"
                async with await connect(self._dsn, application_name=name) as connection:
                    await connection.execute(sql.SQL("LISTEN {}").format(sql.Identifier(self._channel)))
                    await catch_up(loop.time() - deaf_since_s + MARGIN_S)
                    try:
                        async for note in connection.notifies():
                            self._tell(heard, note.payload)
                    finally:
                        deaf_since_s = loop.time()
            except (DatabaseUnavailable, psycopg.Error, OSError) as problem:
                log.info("%s: %s", self._channel, problem)
            await asyncio.sleep(RECONNECT_S)

    def _tell(self, heard: Callable[[str], None], text: str) -> None:
        try:
            heard(text)
        except (ValueError, KeyError, TypeError):  # whoever may connect to a database may send on any channel of it
            log.warning("%s: a notice of %d characters is none of ours", self._channel, len(text))
