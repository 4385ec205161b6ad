"""Clients that ask and then read nothing, as no library would."""

from __future__ import annotations

import asyncio
import socket
import struct
from urllib.parse import urlsplit


async def raw_client(url: str, path: str, **headers: str) -> socket.socket:
    """A client that has asked for a path and reads nothing. `_` stands for `-` in the names of headers."""
    address, loop = urlsplit(url), asyncio.get_running_loop()
    client = socket.socket()
    client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)
    client.setblocking(False)
    await loop.sock_connect(client, (address.hostname, address.port))
    lines = [f"GET {path} HTTP/1.1", f"Host: {address.netloc}"]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    await loop.sock_sendall(client, "\r\n".join([*lines, "", ""]).encode())
    return client


def abort(client: socket.socket) -> None:
    """Break the connection off with a reset."""
    client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    client.close()
