"""Syslog over UDP: one datagram per message (RFC 5426)."""

from __future__ import annotations

import asyncio
import errno
import os
import socket
from collections.abc import Sequence

from gatetrail.resolver import Resolver
from gatetrail_sinks.syslog.transport import MessageRefused, limited

YIELD_AFTER = 32
"""Datagrams that are sent in a row; then others get a turn, which also gives the receiver time to read."""


class Datagrams:
    """`Transport` that knows of a loss only if the receiver's machine says that nobody listens."""

    def __init__(self, host: str, port: int, connect_timeout_s: float, send_timeout_s: float) -> None:
        self._host = host
        self._port = port
        self._connect_timeout_s = connect_timeout_s
        self._send_timeout_s = send_timeout_s
        self._resolver = Resolver()
        self._socket: socket.socket | None = None
        self._failures = 0

    async def send(self, messages: Sequence[bytes]) -> None:
        try:
            datagrams = self._socket or await self._open()
            for index, message in enumerate(messages):
                await self._send(datagrams, index, message)
                if index % YIELD_AFTER == YIELD_AFTER - 1:
                    await asyncio.sleep(0)
            _require_listener(datagrams)
        except MessageRefused:
            raise
        except BaseException:
            self._failures += 1
            await self.close()
            raise

    async def close(self) -> None:
        if self._socket is not None:
            self._socket.close()
            self._socket = None

    async def _open(self) -> socket.socket:
        async with limited(self._connect_timeout_s, "no address"):
            found = await self._resolver.addresses(self._host, self._port, socket.SOCK_DGRAM)
        # Nobody says that an address is wrong before something was sent there: so the next one comes after a failure.
        family, kind, protocol, _, address = found[self._failures % len(found)]
        datagrams = self._socket = socket.socket(family, kind, protocol)
        datagrams.setblocking(False)
        datagrams.connect(address)  # sends nothing, so does not wait
        return datagrams

    async def _send(self, datagrams: socket.socket, index: int, message: bytes) -> None:
        try:
            try:
                datagrams.send(message)
            except BlockingIOError:
                async with limited(self._send_timeout_s, "the buffer for datagrams did not empty"):
                    await asyncio.get_running_loop().sock_sendall(datagrams, message)
        except OSError as problem:
            if problem.errno != errno.EMSGSIZE:
                raise
            raise MessageRefused(index, f"no datagram holds {len(message)} bytes on this way") from problem


def _require_listener(datagrams: socket.socket) -> None:
    number = datagrams.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
    if number:
        raise OSError(number, os.strerror(number))
