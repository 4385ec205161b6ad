"""The record, asked for over HTTP: `Reader` for who has no way to the database."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from dataclasses import asdict
from http import HTTPStatus
from importlib.metadata import version
from typing import Any

import httpx2
import orjson

from gatetrail.cli.remote_address import Address
from gatetrail.cli.remote_answers import (
    NotThere,
    entry_of,
    is_strange,
    problem_of,
    read_as_ours,
    told_as_unavailable,
)
from gatetrail.cli.remote_stream import RemoteStream
from gatetrail.errors import AccessRefused
from gatetrail.events.journal import Entry
from gatetrail.events.search import EventFilter, Search

TIMEOUT_S = 30.0
CONNECT_S = 10.0
PAGE = 1_000
"""The most that a service gives at once."""
LINES = "application/x-ndjson"


class RemoteReader:
    """`Reader` and `Search` over the routes of a service. It sees what the token's owner may see."""

    def __init__(self, client: httpx2.AsyncClient, address: Address) -> None:
        self._client = client
        self._address = address

    @property
    def search(self) -> Search:
        return self

    async def head_seq(self) -> int:
        found = await self._value("/v1/events", "head_seq", limit=1)
        with read_as_ours(self._address.base):
            return int(found)

    async def sinks(self) -> Sequence[dict[str, Any]]:
        found = await self._value("/v1/sinks", "sinks")
        with read_as_ours(self._address.base):
            return [dict(sink) for sink in found]

    async def newest(self, wanted: EventFilter, limit: int, before_seq: int | None = None) -> Sequence[Entry]:
        found: list[Entry] = []
        while len(found) < limit:
            asked = min(PAGE, limit - len(found))
            page = await self._page(wanted, limit=asked, before=before_seq)
            found = [*page, *found]
            if len(page) < asked:
                break
            before_seq = page[0].seq
        return found

    async def after(
        self, wanted: EventFilter, after_seq: int, limit: int, before_seq: int | None = None
    ) -> Sequence[Entry]:
        page = await self._page(wanted, limit=min(PAGE, limit), after=after_seq)
        return [entry for entry in page if before_seq is None or entry.seq < before_seq]

    async def of_decision(self, identifier: str) -> Sequence[Entry]:
        try:
            events = await self._value(f"/v1/decisions/{identifier}", "events")
        except NotThere as problem:
            if not problem.problem_code:
                raise
            told = f"{self._address.base} has no decision {identifier} that this caller may see"
            raise AccessRefused(told) from None
        with read_as_ours(self._address.base):
            return [entry_of(orjson.dumps(event, option=orjson.OPT_SORT_KEYS)) for event in events]

    def coming(self, wanted: EventFilter, after_seq: int) -> AsyncGenerator[Sequence[Entry]]:
        return RemoteStream(self._client, self._address, words_of(wanted)).events(after_seq)

    async def _page(self, wanted: EventFilter, **place: int | None) -> Sequence[Entry]:
        words = {**words_of(wanted), **{key: str(value) for key, value in place.items() if value is not None}}
        response = await self._get("/v1/events", words, accept=LINES)
        if not response.headers.get("content-type", "").startswith(LINES):
            raise is_strange(self._address.base)
        with read_as_ours(self._address.base):
            return [entry_of(line) for line in response.content.split(b"\n") if line]

    async def _value(self, path: str, key: str, **words: object) -> Any:
        response = await self._get(path, {key: str(value) for key, value in words.items()})
        with read_as_ours(self._address.base):
            return orjson.loads(response.content)[key]

    async def _get(self, path: str, words: dict[str, str], accept: str = "application/json") -> httpx2.Response:
        with told_as_unavailable(self._address.base):
            response = await self._client.get(self._address.base + path, params=words, headers={"Accept": accept})
        if response.status_code != HTTPStatus.OK:
            raise problem_of(response, self._address.base, with_token=self._address.token is not None)
        return response


@asynccontextmanager
async def open_remote(address: Address) -> AsyncGenerator[RemoteReader]:
    """A service to ask, for as long as the block lasts. No redirection is followed: it could lead the token astray."""
    token = address.token
    headers = {"User-Agent": f"gatetrail/{version('gatetrail')}"}
    if token is not None:
        headers["Authorization"] = f"Bearer {token.get_secret_value()}"
    timeout = httpx2.Timeout(TIMEOUT_S, connect=CONNECT_S)
    async with httpx2.AsyncClient(headers=headers, timeout=timeout) as client:
        yield RemoteReader(client, address)


def words_of(wanted: EventFilter) -> dict[str, str]:
    """A filter as parameters of a request; of an id the form that was typed: the service knows the others."""
    words = {word: value for word, value in asdict(wanted).items() if value is not None and word != "owner"}
    return {word: value if isinstance(value, str) else value[0] for word, value in words.items()}
