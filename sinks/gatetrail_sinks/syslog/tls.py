"""TLS over a `SocketConnection`, as RFC 5425 wants it: verified by default, ended with close_notify."""

from __future__ import annotations

import asyncio
import ssl
from contextlib import suppress

from gatetrail_sinks.syslog.socket_connection import READ_BYTES, SocketConnection
from gatetrail_sinks.syslog.transport import ReceiverGone

FIRST_WORD_LIMIT_S = 0.3
"""So long is waited in a TLS 1.3 connection for the receiver's first word."""


class TlsConnection:
    """`Connection` that encrypts. `greet` has to be the first call."""

    def __init__(self, plain: SocketConnection, context: ssl.SSLContext, server_name: str) -> None:
        self._plain = plain
        self._incoming = ssl.MemoryBIO()
        self._outgoing = ssl.MemoryBIO()
        self._tls = context.wrap_bio(self._incoming, self._outgoing, server_hostname=server_name)

    async def greet(self) -> None:
        """Shake hands. Raises ssl.SSLError for a receiver that does not prove itself."""
        while True:
            try:
                self._tls.do_handshake()
            except ssl.SSLWantReadError:
                await self._flush()
                self._feed(await self._plain.receive())
            except ssl.SSLError:
                await self._flush()  # the alert tells the receiver why
                raise
            else:
                await self._flush()
                return await self._hear_of_refusal()

    async def send(self, data: bytes) -> None:
        rest = memoryview(data)
        while rest:
            rest = rest[self._tls.write(rest[:READ_BYTES]) :]
            await self._flush()

    async def receive(self) -> bytes:
        while (data := self._decrypted()) is None:
            await self._flush()
            self._feed(await self._plain.receive())
        return data

    def require_open(self) -> None:
        while cipher := self._plain.received():
            self._incoming.write(cipher)
        while data := self._decrypted():  # an alert that came before the end says more than the end
            del data
        if data is not None or cipher is not None:
            raise ReceiverGone

    async def close(self) -> None:
        with suppress(ssl.SSLWantReadError):  # RFC 8446 section 6.1: nobody has to wait for the other's close_notify
            self._tls.unwrap()
        await self._flush()
        await self._plain.close()

    def abort(self) -> None:
        self._plain.abort()

    async def _hear_of_refusal(self) -> None:
        # In TLS 1.3 our side is done before the receiver has looked at our certificate. Its tickets, or the alert that
        # says no, are the next thing to come, if anything comes: what is sent before would be lost.
        if self._tls.version() == "TLSv1.3":
            with suppress(TimeoutError):
                async with asyncio.timeout(FIRST_WORD_LIMIT_S):
                    self._feed(await self._plain.receive())
            self.require_open()

    def _decrypted(self) -> bytes | None:
        try:
            return self._tls.read(READ_BYTES)
        except ssl.SSLWantReadError:
            return None
        except ssl.SSLZeroReturnError:
            return b""

    def _feed(self, cipher: bytes) -> None:
        if not cipher:
            raise ReceiverGone
        self._incoming.write(cipher)

    async def _flush(self) -> None:
        if self._outgoing.pending:
            await self._plain.send(self._outgoing.read())
