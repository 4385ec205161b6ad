"""Giving a client's connection, with the request that came over it, to another process on this machine."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import socket
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

log = logging.getLogger("gatetrail.http")

LIMIT_S = 5.0
"""How long one handover may take on either side."""
PAUSE_S = 0.1
"""Before the next try, when there is no file descriptor left."""
MAX_REQUEST_BYTES = 16 << 20
_PIECE_BYTES = 65_536
_LENGTH_BYTES = 4
_TAKEN = b"+"
_BACKLOG = 1_024

Take = Callable[[socket.socket, bytes], Awaitable[None]]
"""Goes on with a connection whose next request is in these bytes."""


async def give(path: Path, connection: int, request: bytes) -> bool:
    """Hand over a connection, by its descriptor, to whoever listens at `path`.

    True: it is theirs, and may only be closed here. False: nobody listens there. Raises `TimeoutError` when nobody can
    know, because they did not say in time; another `OSError` when they did not take it. Then, as with False, it is
    still ours.
    """
    loop = asyncio.get_running_loop()
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as peer:
        peer.setblocking(False)
        async with asyncio.timeout(LIMIT_S):
            try:
                await loop.sock_connect(peer, str(path))
            except (FileNotFoundError, ConnectionRefusedError):
                return False
            whole = len(request).to_bytes(_LENGTH_BYTES) + request
            sent = socket.send_fds(peer, [whole[:_PIECE_BYTES]], [connection])
            if rest := whole[sent:]:  # to send nothing would fail when it is taken already, and its taker has hung up
                await loop.sock_sendall(peer, rest)
            if await loop.sock_recv(peer, 1) != _TAKEN:
                raise ConnectionAbortedError("it hung up")
            return True


@asynccontextmanager
async def taking(path: Path, take: Take) -> AsyncGenerator[None]:
    """Accept what others `give` at `path` for as long as the block lasts."""
    path.unlink(missing_ok=True)
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as listener:
        listener.bind(str(path))
        listener.listen(_BACKLOG)
        listener.setblocking(False)
        accepting = asyncio.create_task(_accept(listener, take), name="gatetrail handover")
        try:
            yield
        finally:
            accepting.cancel()
            await asyncio.wait([accepting])
            path.unlink(missing_ok=True)


async def _accept(listener: socket.socket, take: Take) -> None:
    async with asyncio.TaskGroup() as going_on:
        while True:
            try:
                giver, _ = await asyncio.get_running_loop().sock_accept(listener)
            except OSError as problem:
                log.warning("no connection of another worker can be taken over now: %s", problem)
                await asyncio.sleep(PAUSE_S)
            else:
                going_on.create_task(_taken(giver, take))


async def _taken(giver: socket.socket, take: Take) -> None:
    with giver, contextlib.ExitStack() as stack:
        try:
            async with asyncio.timeout(LIMIT_S):
                connection, request = await _received(giver, stack)
            # Not a moment may pass between the word that it is ours and its being so.
            if giver.send(_TAKEN):
                stack.pop_all()
                await take(connection, request)
        except (OSError, ValueError) as problem:
            log.warning("a connection of another worker did not come over whole: %s", problem)
        except Exception:  # one connection is no reason to take no others
            log.exception("a connection of another worker came to nothing")


async def _received(giver: socket.socket, stack: contextlib.ExitStack) -> tuple[socket.socket, bytes]:
    piece, descriptors = await _first_piece(giver)
    connections = [stack.enter_context(socket.socket(fileno=one)) for one in descriptors]
    if len(connections) != 1 or len(piece) < _LENGTH_BYTES:
        raise ValueError("no connection in it")
    request = bytearray(piece[_LENGTH_BYTES:])
    length = int.from_bytes(piece[:_LENGTH_BYTES])
    while len(request) < length:
        more = await asyncio.get_running_loop().sock_recv(giver, _PIECE_BYTES)
        if not more:
            raise ValueError("its giver has gone")
        request += more
    connections[0].set_inheritable(False)
    connections[0].setblocking(False)
    return connections[0], bytes(request)


async def _first_piece(giver: socket.socket) -> tuple[bytes, list[int]]:
    """What came with the descriptor, of which asyncio's own receiving would lose sight."""
    loop, readable = asyncio.get_running_loop(), asyncio.Event()
    loop.add_reader(giver, readable.set)
    try:
        await readable.wait()
    finally:
        loop.remove_reader(giver)
    piece, descriptors, _flags, _address = socket.recv_fds(giver, _PIECE_BYTES, 1)
    return piece, list(descriptors)
