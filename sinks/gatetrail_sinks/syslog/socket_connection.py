"""A TCP connection without anything between us and the operating system's buffer.

asyncio's streams keep up to 64 KiB of their own, and more below TLS: then nobody can say when the bytes were taken.
"""

from __future__ import annotations

import asyncio
import socket

from gatetrail.resolver import Resolver
from gatetrail_sinks.syslog.transport import ReceiverGone, limited

READ_BYTES = 65_536
_QUICK_CONFIRMATION: int | None = getattr(socket, "TCP_QUICKACK", None)


class SocketConnection:
    """`Connection` over a plain socket. A peer that takes no byte within the limit is given up."""

    def __init__(self, plain: socket.socket, send_timeout_s: float) -> None:
        self._socket = plain
        self._limit_s = send_timeout_s

    async def send(self, data: bytes) -> None:
        loop = asyncio.get_running_loop()
        rest = memoryview(data)
        while rest:
            part, rest = rest[:READ_BYTES], rest[READ_BYTES:]
            async with limited(self._limit_s, "the receiver took nothing"):
                await loop.sock_sendall(self._socket, part)

    async def receive(self) -> bytes:
        # A receiver that does not switch off Nagle's algorithm, as librelp, keeps its second answer back until the
        # first one is confirmed, which Linux would do 40 ms later. The option holds for a short time only.
        if _QUICK_CONFIRMATION is not None:
            self._socket.setsockopt(socket.IPPROTO_TCP, _QUICK_CONFIRMATION, 1)
        async with limited(self._limit_s, "the receiver answered nothing"):
            return await asyncio.get_running_loop().sock_recv(self._socket, READ_BYTES)

    def received(self) -> bytes | None:
        """What has come by now, None when that is nothing, empty at the end. Does not wait."""
        try:
            return self._socket.recv(READ_BYTES)
        except BlockingIOError:
            return None

    def require_open(self) -> None:
        # Nobody talks back in plain syslog; what comes nevertheless is read and dropped, or it would hide the end.
        while (data := self.received()) is not None:
            if not data:
                raise ReceiverGone

    async def close(self) -> None:
        self._socket.shutdown(socket.SHUT_WR)
        while await self.receive():  # until the receiver has read all and closes, too
            pass
        self.abort()

    def abort(self) -> None:
        self._socket.close()


async def connect(
    resolver: Resolver, host: str, port: int, *, connect_timeout_s: float, send_timeout_s: float
) -> SocketConnection:
    """Try the addresses of the host one after the other. Raises the last one's OSError."""
    loop = asyncio.get_running_loop()
    ends_s = loop.time() + connect_timeout_s
    problem: OSError = OSError(f"{host} has no address")
    found = await resolver.addresses(host, port, socket.SOCK_STREAM)
    for index, (family, kind, protocol, _, address) in enumerate(found):
        # An address that swallows everything leaves the later ones their share of the time.
        share_s = (ends_s - loop.time()) / (len(found) - index)
        plain = socket.socket(family, kind, protocol)
        try:
            _prepare(plain, send_timeout_s)
            async with asyncio.timeout(share_s):
                await loop.sock_connect(plain, address)
        except OSError as failed:
            plain.close()
            problem = failed
        except BaseException:
            plain.close()
            raise
        else:
            return SocketConnection(plain, send_timeout_s)
    raise problem


def _prepare(plain: socket.socket, send_timeout_s: float) -> None:
    plain.setblocking(False)
    plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    plain.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    if hasattr(socket, "TCP_USER_TIMEOUT"):  # Linux: a machine that vanished is noticed, though the buffer has room
        plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, round(send_timeout_s * 1000))
