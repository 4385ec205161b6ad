"""A Fluentd receiver that misbehaves to order."""

from __future__ import annotations

import asyncio
import hashlib
import ssl
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, cast

from gatetrail_sinks.fluentd.untyped import Packer, Unpacker

Answer = Callable[[str], bytes | None]
"""What to say to a batch with this chunk id; None ends the connection instead."""

LONGEST_BATCH_BYTES = 16 * 1024 * 1024


def pack(value: object) -> bytes:
    return Packer().pack(value)


def unpack(data: bytes) -> list[Any]:
    """All values in these bytes; texts and bytes are told apart."""
    unpacker = Unpacker(raw=False, max_buffer_size=LONGEST_BATCH_BYTES)
    unpacker.feed(data)
    return list(unpacker)


def acknowledges(chunk: str) -> bytes:
    return pack({"ack": chunk})


def says_nothing(_: str) -> bytes:
    return b""


def hangs_up(_: str) -> None:
    return None


@dataclass(frozen=True, slots=True)
class Frame:
    """One batch as it was on the wire. `connection` counts from 1."""

    connection: int
    tag: str
    entries: bytes
    options: dict[str, Any]

    def pairs(self) -> list[tuple[Any, Any]]:
        """Time and record of each event."""
        return [(moment, record) for moment, record in unpack(self.entries)]


@dataclass
class Door:
    """The receiver's side of HELO, PING and PONG."""

    shared_key: bytes
    hostname: str = "receiver.test"
    user_salt: bytes = b""
    keepalive: bool = True
    nonce: bytes = b"\x00\xff nonce \x93\xc1"
    opening: object = None
    """Said instead of HELO."""
    answer: Callable[[bytes], object] | None = None
    """Makes PONG from the right digest; what gives None hangs up."""
    pings: list[list[Any]] = field(default_factory=list[list[Any]])

    def helo(self) -> bytes:
        options = {"nonce": self.nonce, "auth": self.user_salt, "keepalive": self.keepalive}
        return pack(["HELO", options] if self.opening is None else self.opening)

    def pong(self, ping: list[Any]) -> bytes | None:
        self.pings.append(ping)
        digest = hashlib.sha512(ping[2].encode() + self.hostname.encode() + self.nonce + self.shared_key).hexdigest()
        if self.answer is None:
            return pack(["PONG", True, "", self.hostname, digest])
        said = self.answer(digest.encode())
        return None if said is None else pack(said)


class ScriptedPeer:
    """Answers each batch with the next answer of its script; the last one is repeated."""

    def __init__(self, script: Sequence[Answer], door: Door | None = None, hang_up_after_bytes: int = 0) -> None:
        self.port = 0
        self.frames: list[Frame] = []
        self.connections = 0
        self.script = list(script)
        self._door = door
        self._hang_up_after_bytes = hang_up_after_bytes
        self._writers: set[asyncio.StreamWriter] = set()

    @property
    def chunks(self) -> list[str]:
        return [frame.options["chunk"] for frame in self.frames]

    @property
    def open_connections(self) -> int:
        return len(self._writers)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        self._writers.add(writer)
        try:
            await self._talk(reader, writer, self.connections)
        except (ConnectionError, ssl.SSLError):
            pass
        finally:
            self._writers.discard(writer)
            writer.close()

    def hang_up(self) -> None:
        """End all connections."""
        for writer in self._writers:
            writer.close()

    async def _talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, connection: int) -> None:
        if self._hang_up_after_bytes:
            await reader.readexactly(self._hang_up_after_bytes)
            self._hang_up_after_bytes = 0
            return
        unpacker = Unpacker(raw=False, max_buffer_size=LONGEST_BATCH_BYTES)
        if self._door is not None:
            writer.write(self._door.helo())
        while data := await reader.read(65_536):
            unpacker.feed(data)
            for message in unpacker:
                said = self._reply(cast("list[Any]", message), connection)
                if said is None:
                    return
                writer.write(said)

    def _reply(self, message: list[Any], connection: int) -> bytes | None:
        if message[0] == "PING" and self._door is not None:
            return self._door.pong(message)
        tag, entries, options = message
        self.frames.append(Frame(connection, tag, entries, options))
        answer = self.script.pop(0) if len(self.script) > 1 else self.script[0]
        return answer(options["chunk"])


@asynccontextmanager
async def scripted(
    *script: Answer, door: Door | None = None, hang_up_after_bytes: int = 0, port: int = 0
) -> AsyncGenerator[ScriptedPeer]:
    """A peer on this machine for the length of the block."""
    peer = ScriptedPeer(script or [acknowledges], door, hang_up_after_bytes)
    server = await asyncio.start_server(peer.serve, "127.0.0.1", port)
    peer.port = server.sockets[0].getsockname()[1]
    try:
        yield peer
    finally:
        server.close()
        peer.hang_up()
        await server.wait_closed()
