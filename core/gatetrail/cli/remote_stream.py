"""The live stream of a service, held on to over its restarts."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import AsyncExitStack, aclosing, asynccontextmanager
from http import HTTPStatus
from typing import Any

import httpx2
import orjson

from gatetrail.cli.remote_address import Address
from gatetrail.cli.remote_answers import (
    NoRoomNow,
    entry_of,
    is_strange,
    problem_of,
    read_as_ours,
    told_as_unavailable,
)
from gatetrail.cli.talk import say, warn
from gatetrail.errors import Unavailable
from gatetrail.events.journal import Entry

PATH = "/v1/events/stream"
GAP = "audit.gap"
SILENT_S = 90.0
"""A stream that gave nothing for so long, not even a heartbeat, is taken up anew."""
CONNECT_S = 10.0
FIRST_WAIT_S = 0.25
LONGEST_WAIT_S = 10.0


class RemoteStream:
    """Events behind a position, each once and in order; the service is asked to resume behind the last one."""

    def __init__(self, client: httpx2.AsyncClient, address: Address, words: Mapping[str, str]) -> None:
        self._client = client
        self._address = address
        self._words = words
        self._position = 0
        self._gap_told: int | None = None
        self._wait_s = FIRST_WAIT_S
        self._away = False

    async def events(self, after_seq: int) -> AsyncGenerator[Sequence[Entry]]:
        """For ever. Raises `WrongUse` or `AccessRefused` when the service does not want us, as with an old token."""
        self._position = after_seq
        while True:
            try:
                async with aclosing(self._one_connection()) as entries:
                    async for entry in entries:
                        yield [entry]
            except Unavailable as problem:
                self._tell_away(problem)
            await asyncio.sleep(self._wait_s)
            self._wait_s = min(self._wait_s * 2, LONGEST_WAIT_S)

    async def _one_connection(self) -> AsyncGenerator[Entry]:
        """What one connection gives until it breaks; that it did is no news unless there cannot be another one."""
        async with self._opened() as source:
            try:
                async for sent in source:
                    self._wait_s = FIRST_WAIT_S
                    if self._is_gap(sent):
                        if self._tells_of_new_gap(sent):
                            return
                    elif sent.data:
                        yield self._entry(sent)
                    elif sent.id:
                        self._position = self._seq_of(sent)
            except httpx2.RequestError:
                return

    @asynccontextmanager
    async def _opened(self) -> AsyncGenerator[httpx2.EventSource]:
        base = self._address.base
        timeout = httpx2.Timeout(CONNECT_S, read=SILENT_S)
        headers = {"Last-Event-ID": str(self._position)}
        async with AsyncExitStack() as stack:
            with told_as_unavailable(base):
                asked = self._client.sse(base + PATH, params=dict(self._words), headers=headers, timeout=timeout)
                source = await stack.enter_async_context(asked)
                await self._check(source.response)
            if self._away:
                say("The service is back.")
            self._away = False
            yield source

    async def _check(self, response: httpx2.Response) -> None:
        if response.status_code != HTTPStatus.OK:
            await response.aread()
            raise problem_of(response, self._address.base, with_token=self._address.token is not None)
        if not response.headers.get("content-type", "").startswith("text/event-stream"):
            raise is_strange(self._address.base)

    def _entry(self, sent: httpx2.ServerSentEvent) -> Entry:
        with read_as_ours(self._address.base):
            entry = entry_of(sent.data.encode())
        self._position = self._seq_of(sent)
        return entry

    def _seq_of(self, sent: httpx2.ServerSentEvent) -> int:
        with read_as_ours(self._address.base):
            return int(sent.id)

    @staticmethod
    def _is_gap(sent: httpx2.ServerSentEvent) -> bool:
        """A notice to this reader; an event of that name which stands in the record has a position."""
        return sent.event == GAP and '"seq":' not in sent.data

    def _tells_of_new_gap(self, sent: httpx2.ServerSentEvent) -> bool:
        """Tell what is missing. It is asked for once more then: the journal has it, or the same is said again."""
        with read_as_ours(self._address.base):
            notice: dict[str, Any] = orjson.loads(sent.data)
            first_seq, last_seq = int(notice["first_missing_seq"]), int(notice["last_missing_seq"])
        if self._gap_told == first_seq:
            return False
        warn(f"events {first_seq} to {last_seq} did not come: {notice.get('reason', 'no reason was given')}")
        self._gap_told, self._position = first_seq, first_seq - 1
        return True

    def _tell_away(self, problem: Unavailable) -> None:
        if not self._away:
            warn(f"{problem}; trying again until it is back")
        self._away = True
        if isinstance(problem, NoRoomNow):
            self._wait_s = max(self._wait_s, problem.retry_after_s)
