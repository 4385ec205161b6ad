"""A client of an event stream that does what browsers do: it comes back, and says what it has seen."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import httpx

COMES_BACK_AFTER_S = 0.1
"""Sooner than the stream's `retry:` asks for, so that a test has many of these moments."""


@dataclass
class EventSource:
    """WHATWG HTML, section 9.2. Only whole events count: what the end of the connection cuts off is dropped."""

    address: Callable[[], str]
    """Where to ask, asked anew each time."""
    token: str
    wanted: Mapping[str, str | int]
    """The filter, as the query's words."""
    events: list[tuple[int, dict[str, Any]]] = field(default_factory=list[tuple[int, dict[str, Any]]])
    """What came with an id: the seq and the event, in the order of coming."""
    notices: list[str] = field(default_factory=list[str])
    """Names of what came without an id."""
    connections: int = 0
    """How often the stream was opened."""
    last_id: str = ""

    async def run(self) -> None:
        """Listen for ever, through whatever happens to the service."""
        while True:
            with contextlib.suppress(httpx.TransportError):
                await self._listen()
            await asyncio.sleep(COMES_BACK_AFTER_S)

    async def _listen(self) -> None:
        headers = {"Authorization": f"Bearer {self.token}", "Accept": "text/event-stream"}
        if self.last_id:
            headers["Last-Event-ID"] = self.last_id
        async with httpx.AsyncClient(timeout=httpx.Timeout(10, read=30)) as http:
            address = f"{self.address()}/v1/events/stream"
            async with http.stream("GET", address, params=dict(self.wanted), headers=headers) as answer:
                assert answer.status_code == 200, (await answer.aread()).decode()
                self.connections += 1
                await self._read(answer.aiter_lines())

    async def _read(self, lines: AsyncIterator[str]) -> None:
        fields: dict[str, str] = {}
        async for line in lines:
            if line:
                name, _, value = line.partition(":")
                fields[name] = value.removeprefix(" ")
                continue
            self.last_id = fields.get("id", self.last_id)
            if "data" in fields and "id" in fields:
                self.events.append((int(fields["id"]), json.loads(fields["data"])))
            elif "data" in fields:
                self.notices.append(fields.get("event", ""))
            fields = {}
