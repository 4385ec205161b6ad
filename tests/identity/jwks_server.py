"""An issuer's key server on loopback that answers as a test tells it to, also badly."""

from __future__ import annotations

import asyncio
import contextlib
import gzip
from collections.abc import AsyncGenerator, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from starlette.types import Receive, Scope, Send

from tests.mcp.conftest import serve


@dataclass
class KeyServer:
    """Each request is counted; what it gets is what stands here at that moment."""

    content: bytes = b""
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict[str, str])
    wait_s: float = 0.0
    dribble: bool = False
    """Byte by byte, with a pause after each."""
    url: str = ""
    asked: list[str] = field(default_factory=list[str])

    async def answer(self, scope: Scope, send: Send) -> None:
        """One request."""
        self.asked.append(scope["path"])
        await asyncio.sleep(self.wait_s)
        headers = [(name.encode(), value.encode()) for name, value in self.headers.items()]
        await send({"type": "http.response.start", "status": self.status, "headers": headers})
        with contextlib.suppress(OSError):
            if self.dribble:
                for byte in self.content:
                    await send({"type": "http.response.body", "body": bytes([byte]), "more_body": True})
                    await asyncio.sleep(0.1)
            await send({"type": "http.response.body", "body": b"" if self.dribble else self.content})

    def answer_badly(self, how: str, elsewhere: str = "") -> None:
        """In one of the ways that `BAD` names."""
        for name, value in BAD[how](self.content, elsewhere).items():
            setattr(self, name, value)


BAD: Mapping[str, Callable[[bytes, str], Mapping[str, Any]]] = {
    "redirect": lambda _content, elsewhere: {"status": 302, "headers": {"location": elsewhere}},
    "error": lambda _content, _elsewhere: {"status": 500},
    "huge": lambda content, _elsewhere: {"content": content[:-1] + b" " * 300_000 + b"}"},
    "compressed": lambda content, _elsewhere: {
        "content": gzip.compress(content),
        "headers": {"content-encoding": "gzip"},
    },
    "slow": lambda _content, _elsewhere: {"wait_s": 5.0},
    "dribble": lambda _content, _elsewhere: {"dribble": True},
    "no JSON": lambda _content, _elsewhere: {"content": b"<html>"},
    "no keys": lambda _content, _elsewhere: {"content": b'{"jwks": []}'},
    "too many keys": lambda _content, _elsewhere: {"content": b'{"keys": [' + b"{}, " * 200 + b"{}]}"},
}


@contextlib.asynccontextmanager
async def key_server(content: bytes) -> AsyncGenerator[KeyServer]:
    """Serves until the block ends."""
    server = KeyServer(content)

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await receive()
            await send({"type": "lifespan.startup.complete"})
            await receive()
            await send({"type": "lifespan.shutdown.complete"})
            return
        await server.answer(scope, send)

    async with serve(app) as site:
        server.url = f"{site.url}/keys"
        yield server
