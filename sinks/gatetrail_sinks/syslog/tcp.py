"""Syslog over a stream, plain or encrypted: each message behind its length (RFC 6587 section 3.4.1, RFC 5425)."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress

from gatetrail_sinks.syslog.transport import CLOSE_LIMIT_S, Connect, Connection, limited


class OctetCounted:
    """`Transport` without acknowledgement.

    A receiver that has said farewell is noticed before a batch, and a new connection is made for it; and after a
    batch, which then counts as not sent. What it had not read by then of the batches before is lost.
    """

    def __init__(self, connect: Connect, connect_timeout_s: float) -> None:
        self._connect = connect
        self._connect_timeout_s = connect_timeout_s
        self._connection: Connection | None = None

    async def send(self, messages: Sequence[bytes]) -> None:
        connection = await self._open()
        try:
            await connection.send(b"".join([b"%d %b" % (len(message), message) for message in messages]))
            connection.require_open()
        except BaseException:
            self._abort()
            raise

    async def close(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            try:
                with suppress(OSError):
                    async with limited(CLOSE_LIMIT_S, "no farewell"):
                        await connection.close()
            finally:
                connection.abort()

    async def _open(self) -> Connection:
        if self._connection is not None:
            try:
                self._connection.require_open()
            except OSError:
                self._abort()
        if self._connection is None:
            async with limited(self._connect_timeout_s, "no connection"):
                self._connection = await self._connect()
        return self._connection

    def _abort(self) -> None:
        if self._connection is not None:
            self._connection.abort()
            self._connection = None
