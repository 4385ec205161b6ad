"""The record, read from its database."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from typing import Any

from gatetrail.cli.talk import say, warn
from gatetrail.delivery.sink_keys import never_run, sink_keys
from gatetrail.errors import DatabaseUnavailable
from gatetrail.events.asking import FormsOf, in_all_forms
from gatetrail.events.journal import Entry
from gatetrail.events.search import EventFilter, Search
from gatetrail.runtime.listening import open_wakeups
from gatetrail.runtime.recorded_ids import forms_by
from gatetrail.runtime.records import Records, open_records
from gatetrail.settings import ServiceSettings

LOOK_S = 1.0
"""Whoever writes says so; this is for what nobody said."""
RETRY_S = 1.0
PAGE = 1_000


class SearchInAllForms:
    """`Search` that finds ids also as redaction writes them."""

    def __init__(self, search: Search, forms_of: FormsOf) -> None:
        self._search = search
        self._forms_of = forms_of

    async def newest(self, wanted: EventFilter, limit: int, before_seq: int | None = None) -> Sequence[Entry]:
        return await self._search.newest(in_all_forms(wanted, self._forms_of), limit, before_seq)

    async def after(
        self, wanted: EventFilter, after_seq: int, limit: int, before_seq: int | None = None
    ) -> Sequence[Entry]:
        return await self._search.after(in_all_forms(wanted, self._forms_of), after_seq, limit, before_seq)

    async def of_decision(self, identifier: str) -> Sequence[Entry]:
        return await self._search.of_decision(identifier)


class DirectReader:
    """`Reader` on a database."""

    def __init__(self, records: Records, settings: ServiceSettings) -> None:
        self._records = records
        self._settings = settings
        self._search = SearchInAllForms(records.search, forms_by(settings))

    @property
    def search(self) -> Search:
        return self._search

    async def head_seq(self) -> int:
        return await self._records.head.seq()

    async def sinks(self) -> Sequence[dict[str, Any]]:
        known = {state.sink_name: sink_keys(state) for state in await self._records.cursors.states()}
        head_seq = await self.head_seq()
        named = {name: never_run(name, head_seq) for name in self._settings.sinks}
        return [keys for _, keys in sorted({**named, **known}.items())]

    async def coming(self, wanted: EventFilter, after_seq: int) -> AsyncGenerator[Sequence[Entry]]:
        position, away = after_seq, False
        async with open_wakeups(self._records.dsn) as wakeups:
            while True:
                try:
                    head_seq = await self.head_seq()
                    while position < head_seq:
                        entries, position = await self._next(wanted, position, head_seq)
                        yield entries
                except DatabaseUnavailable as problem:
                    if not away:
                        warn(f"{problem}; trying again until it is back")
                    away = True
                    await asyncio.sleep(RETRY_S)
                    continue
                if away:
                    say("The database is back.")
                away = False
                await wakeups.wait_beyond(position, LOOK_S)

    async def _next(self, wanted: EventFilter, position: int, head_seq: int) -> tuple[Sequence[Entry], int]:
        # What is committed up to this head is all there is up to it: positions are given in order of commit.
        entries = await self.search.after(wanted, position, PAGE)
        if len(entries) == PAGE:
            return entries, entries[-1].seq
        return entries, max(head_seq, *(entry.seq for entry in entries), 0)


@asynccontextmanager
async def open_direct(settings: ServiceSettings) -> AsyncGenerator[DirectReader]:
    """Raises `DatabaseUnavailable`, `DataFolderUnusable` or `MigrationRefused`."""
    async with open_records(settings) as records:
        yield DirectReader(records, settings)
