"""A RELP receiver that answers as a test wants it to, with its own reading of the protocol."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

Answer = Callable[[bytes], bytes | None]
"""From a message to the data of its answer; None answers nothing."""


def taken(message: bytes) -> bytes | None:  # noqa: ARG001 takes everything
    return b"200 OK"


@dataclass
class RelpReceiver:
    answer: Answer = taken
    greeting: bytes | None = b"200 OK\nrelp_version=0\nrelp_software=test\ncommands=syslog"
    messages: list[bytes] = field(default_factory=list[bytes])
    transactions: list[int] = field(default_factory=list[int])
    commands: list[bytes] = field(default_factory=list[bytes])
    sessions: int = 0
    hold_back: int = 0
    """So many answers are collected before any is sent, until a connection was dropped."""
    drop_after: int | None = None
    """The connection is reset after so many messages, with their answers unsent."""
    port: int = 0
    _writers: list[asyncio.StreamWriter] = field(default_factory=list[asyncio.StreamWriter])

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.sessions += 1
        self._writers.append(writer)
        held: list[bytes] = []
        try:
            while True:
                transaction = (await reader.readuntil(b" ")).strip()
                command = (await reader.readuntil(b" ")).strip()
                digits = b""
                while (byte := await reader.readexactly(1)).isdigit():
                    digits += byte
                data = await reader.readexactly(int(digits)) if byte == b" " else b""
                if byte == b" ":
                    assert await reader.readexactly(1) == b"\n"
                self.transactions.append(int(transaction))
                self.commands.append(command)
                reply = self._reply(command, data)
                if reply is not None:
                    held.append(b"%b rsp %d%b\n" % (transaction, len(reply), b" " + reply if reply else b""))
                if self.drop_after is not None and len(self.messages) >= self.drop_after:
                    self.drop_after, self.hold_back = None, 0
                    return writer.transport.abort()
                if command != b"syslog" or len(held) > self.hold_back:
                    writer.write(b"".join(held))
                    held.clear()
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()

    def _reply(self, command: bytes, data: bytes) -> bytes | None:
        if command == b"open":
            return self.greeting
        if command == b"close":
            return b"200 OK"
        self.messages.append(data)
        return self.answer(data)

    def close_sessions(self, farewell: bytes = b"0 serverclose 0\n") -> None:
        for writer in self._writers:
            writer.write(farewell)
            writer.close()
        self._writers.clear()


@asynccontextmanager
async def relp_receiver(**over: object) -> AsyncGenerator[RelpReceiver]:
    """A receiver on a free port."""
    receiver = RelpReceiver(**over)  # type: ignore[arg-type]
    server = await asyncio.start_server(receiver.serve, "127.0.0.1", 0)
    receiver.port = server.sockets[0].getsockname()[1]
    try:
        yield receiver
    finally:
        server.close()
        receiver.close_sessions()
        await asyncio.sleep(0)
