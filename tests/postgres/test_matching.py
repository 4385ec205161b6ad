"""One filter, asked in two places: the database and the live stream give the same answer about every event."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gatetrail.errors import WrongUse
from gatetrail.events.asking import MAX_GLOB_CHARACTERS, filter_of
from gatetrail.events.fields import Record
from gatetrail.events.journal import Entry
from gatetrail.events.matching import Matching
from gatetrail.events.model import AuditHeartbeat, SessionStarted
from gatetrail.events.search import EventFilter
from gatetrail.words import Level
from gatetrail_sinks.postgres.connection import open_pool
from gatetrail_sinks.postgres.journal import open_journal
from gatetrail_sinks.postgres.migrate import migrate
from gatetrail_sinks.postgres.past import PostgresPast
from gatetrail_sinks.postgres.search import PostgresSearch
from tests.samples import completed, decided, make_stamp

pytestmark = [pytest.mark.postgres, pytest.mark.requirement("E4")]

STAMP = make_stamp()
MOMENTS = [f"2026-01-{day:02d}T0{hour}:00:00.00000{hour}Z" for day in (1, 31) for hour in (0, 5)]
USERS = ["ann", "Ann", "a%n", "hmac:0123456789abcdef0123456789abcdef", "ünal"]
SESSIONS = ["s-1", "S-1", "s_1"]
CLIENTS = ["agent", "agent*"]
SERVERS = ["finance", "fin_nce"]
TOOLS = [
    "export_ledger",
    "EXPORT_LEDGER",
    "exportXledger",
    "100%",
    "100_",
    "back\\slash",
    "a*b?",
    "straße",
    "STRASSE",
    "ſtop",
    "\u212aelvin",
    "İi",
    "\u03c2\u03c3",
    "line\nbreak",
    "e\u0301",
    "🙂",
    "",
]
TRACES = ["a" * 32, "b" * 32]


@dataclass(frozen=True)
class Recorded:
    """Many different events in a database, and as the live stream sees them."""

    search: PostgresSearch
    past: Callable[[EventFilter], PostgresPast]
    entries: Sequence[Entry]


def various() -> Sequence[Record]:
    """Each value of each key at least once, and events that lack most of them."""
    events: list[Record] = [
        AuditHeartbeat(
            **STAMP(Level.INFO, "alive"), allowed_count=0, denied_count=0, completed_count=0, exported_count=0
        ),
        SessionStarted(**STAMP(Level.INFO, "session"), session_tier="user", user_id="ann", session_id="s-1"),
    ]
    for index, tool in enumerate(TOOLS * 2):
        decision = decided(
            STAMP,
            denied=index % 3 == 0,
            timestamp=MOMENTS[index % len(MOMENTS)],
            tool_name=tool,
            user_id=[*USERS, None][index % (len(USERS) + 1)],
            session_id=[*SESSIONS, None][index % (len(SESSIONS) + 1)],
            client_id=[*CLIENTS, None][index % (len(CLIENTS) + 1)],
            server_name=SERVERS[index % len(SERVERS)],
            trace_id=TRACES[index % len(TRACES)],
        )
        events.append(decision)
        if index % 3 == 1:
            events.append(completed(STAMP, decision))
    return events


@asynccontextmanager
async def recorded(dsn: str) -> AsyncGenerator[Recorded]:
    await migrate(dsn)
    async with open_pool(dsn) as pool:
        async with open_journal(dsn, pool, instance_id=STAMP.instance_id) as journal:
            for event in various():
                await journal.append(event)
            entries = await journal.read(0, 1_000)
        yield Recorded(PostgresSearch(dsn, pool), partial(PostgresPast, dsn, pool), entries)


def globs(values: Sequence[str]) -> st.SearchStrategy[str]:
    """Globs that have a chance to fit: values with parts replaced, and free text."""

    def spoiled(value: str, cuts: tuple[int, int], wild: str) -> str:
        first, last = sorted(cut % (len(value) + 1) for cut in cuts)
        return value[:first] + wild + value[last:]

    cuts = st.tuples(st.integers(0, 40), st.integers(0, 40))
    near = st.builds(spoiled, st.sampled_from(values), cuts, st.sampled_from(["*", "?", "", "_", "%", "**", "\\"]))
    free = st.text(st.characters(exclude_characters="\x00", exclude_categories=["Cs"]), max_size=8)
    return near | near.map(str.swapcase) | free


def forms(values: Sequence[str]) -> st.SearchStrategy[tuple[str, ...]]:
    return st.lists(st.sampled_from([*values, "nobody"]), min_size=1, max_size=3, unique=True).map(tuple)


def maybe(one: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.none() | st.none() | one


FILTERS = st.builds(
    EventFilter,
    since=maybe(st.sampled_from(MOMENTS)),
    until=maybe(st.sampled_from(MOMENTS)),
    user=maybe(forms(USERS)),
    session=maybe(forms(SESSIONS)),
    trace=maybe(st.sampled_from([*TRACES, "c" * 32])),
    client=maybe(forms(CLIENTS)),
    server=maybe(st.sampled_from(SERVERS)),
    tool=maybe(globs(TOOLS)),
    gate=maybe(st.sampled_from(["scope", "none", "audit"])),
    decision=maybe(st.sampled_from(["allow", "deny"])),
    event=maybe(globs(["tool_call.decided", "tool_call.completed", "audit.heartbeat"])),
    owner=maybe(forms(USERS)),
)


def test_the_database_and_the_stream_agree_on_every_filter(dsn: str) -> None:
    with asyncio.Runner() as runner:
        opened = recorded(dsn)
        found = runner.run(opened.__aenter__())
        matching = Matching()

        @settings(max_examples=300, suppress_health_check=[HealthCheck.function_scoped_fixture])
        @given(wanted=FILTERS)
        def agree(wanted: EventFilter) -> None:
            live = [entry for entry in found.entries if matching.of(wanted)(entry)]
            assert runner.run(found.search.after(wanted, 0, 1_000)) == live
            assert runner.run(found.search.newest(wanted, 1_000)) == live
            assert runner.run(found.past(wanted).between(0, len(found.entries), 1_000)) == live

        try:
            agree()
            for tool in TOOLS:
                agree_on_literal = replace(EventFilter(), tool=tool)
                live = [entry for entry in found.entries if matching.of(agree_on_literal)(entry)]
                assert runner.run(found.search.after(agree_on_literal, 0, 1_000)) == live
        finally:
            runner.run(opened.__aexit__(None, None, None))


def test_upper_and_lower_case_are_those_of_ascii() -> None:
    fits = Matching().of(EventFilter(tool="exp?rt_*"))
    entries = [Entry(1, "", b'{"tool_name":"%b"}' % name.encode()) for name in ("EXPORT_x", "expſrt_x", "export")]
    assert [fits(entry) for entry in entries] == [True, True, False]
    assert not Matching().of(EventFilter(tool="stop"))(Entry(1, "", '{"tool_name":"ſtop"}'.encode()))


def test_no_glob_makes_the_stream_slow() -> None:
    fits = Matching().of(EventFilter(tool="*a" * (MAX_GLOB_CHARACTERS // 2)))
    entry = Entry(1, "", b'{"tool_name":"%b"}' % (b"a" * 149 + b"b" * 107))
    began_s = time.process_time()
    for _ in range(20):
        assert not fits(entry)
    assert time.process_time() - began_s < 1


def test_a_glob_that_is_longer_than_any_name_is_refused() -> None:
    with pytest.raises(WrongUse, match="no name is so long"):
        filter_of({"tool": "*" * (MAX_GLOB_CHARACTERS + 1)}, 0)
