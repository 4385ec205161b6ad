"""`gatetrail sessions`: what an administrator sees and ends."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from gatetrail.identity.tiers import Tier
from gatetrail.sessions import Handshake, Session
from gatetrail_sinks.postgres.connection import open_pool
from gatetrail_sinks.postgres.migrate import migrate
from gatetrail_sinks.postgres.sessions import PostgresSessions
from tests.cli.conftest import Ran

pytestmark = [pytest.mark.postgres, pytest.mark.requirement("E4")]

Inside = Callable[..., Ran]
MEMORY = "sessions.store is memory: nobody but the process that holds them knows its sessions"


@asynccontextmanager
async def store_in(dsn: str) -> AsyncGenerator[PostgresSessions]:
    await migrate(dsn)
    async with open_pool(dsn, size=1) as pool:
        yield PostgresSessions(dsn, pool)


async def three_sessions(dsn: str) -> None:
    async with store_in(dsn) as store:
        await store.open(Session("s-1", "ann@here.example", Tier.USER, department="finance", client_id="agent"))
        await store.shake_hands("s-1", Handshake("books", "2025-11-25", "{}", "wire\x1b[2J\n"))
        await store.open(Session("s-2", None, Tier.ANONYMOUS))
        await store.open(Session("s-3", "bob", Tier.ADMIN))
        await store.end("s-3", "the client ended it")


def test_they_are_a_table_with_the_last_used_first(inside: Inside, dsn: str) -> None:
    asyncio.run(three_sessions(dsn))
    ran = inside("sessions")
    assert (ran.code, ran.err) == (0, "")
    heading, *rows = ran.out.splitlines()
    assert heading.split() == [
        *("session", "state", "user", "tier", "department", "client", "server", "opened"),
        *("last", "used", "ended", "because"),
    ]
    assert [row.split()[:4] for row in rows] == [
        ["s-3", "ended", "bob", "admin"],
        ["s-2", "open", "-", "anonymous"],
        ["s-1", "open", "ann@here.example", "user"],
    ]
    assert rows[0].endswith("the client ended it")
    assert "books" in rows[2]
    assert "\x1b" not in ran.out, "what a client calls itself reaches no terminal as it is"


def test_one_users_alone_and_as_json(inside: Inside, dsn: str) -> None:
    asyncio.run(three_sessions(dsn))
    (row,) = inside("sessions", "--user", "ann@here.example", "--json").objects
    assert {key: row[key] for key in ("session_id", "state", "session_tier", "server_name", "ended_at", "reason")} == {
        "session_id": "s-1",
        "state": "open",
        "session_tier": "user",
        "server_name": "books",
        "ended_at": None,
        "reason": None,
    }
    assert len(inside("sessions", "--limit", "2", "--json").objects) == 2


def test_nobody_is_no_error(inside: Inside) -> None:
    ran = inside("sessions")
    assert (ran.code, ran.out, ran.err) == (0, "", "There is no session.\n")


def test_an_end_is_for_good_and_recorded_once(inside: Inside, dsn: str) -> None:
    asyncio.run(three_sessions(dsn))
    ran = inside("sessions", "--end", "s-1", "--json")
    assert (ran.code, ran.objects) == (0, [{"session_id": "s-1", "ended": True}])
    for session_id in ("s-1", "s-3", "unknown"):
        again = inside("sessions", "--end", session_id)
        assert (again.code, again.out) == (1, "")
        assert "No session of that id is open." in again.err
    (event,) = inside("events", "--event", "session.ended", "--json").objects
    assert (event["session_id"], event["user_id"], event["reason"]) == (
        "s-1",
        "ann@here.example",
        "an administrator ended it",
    )
    (row,) = inside("sessions", "--user", "ann@here.example", "--json").objects
    assert (row["state"], row["reason"]) == ("ended", "an administrator ended it")


def test_what_cannot_be_asked_is_told(inside: Inside, tmp_path: Path) -> None:
    (tmp_path / "service.yaml").write_text("sessions: {store: memory}\n")
    for more in ((), ("--end", "s-1")):
        ran = inside("sessions", *more, "--config", str(tmp_path / "service.yaml"))
        assert (ran.code, ran.errors) == (2, [MEMORY])
    ran = inside("sessions", "--end", "s-1", "--user", "ann")
    assert (ran.code, ran.errors) == (2, ["--end names one session: leave --user out"])
