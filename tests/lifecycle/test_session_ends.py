"""How sessions leave a worker that is killed, a store that is a file, and all workers for good."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path

import httpx
import psycopg
import pytest

from tests.cli.conftest import WITHIN_S, Running
from tests.lifecycle.conftest import House, is_up
from tests.lifecycle.going_on import AnyClient, ended, events_of, opened, python, settle
from tests.lifecycle.test_workers import worker_ids
from tests.mcp.wire import Wire

pytestmark = [pytest.mark.anyio, pytest.mark.postgres, pytest.mark.slow, pytest.mark.requirement("A6", "B3")]

CALLS = 2


async def until_over(wire: Wire) -> None:
    """Until no worker serves it any more."""
    async with asyncio.timeout(WITHIN_S):
        while (await wire.call("who")).status != 404:  # noqa: ASYNC110 -- another process tells them
            await asyncio.sleep(0.02)


@pytest.fixture
async def workers(house: House) -> AsyncIterator[tuple[House, Running, str]]:
    settle(house, "own", "fast")
    service = house.serve("--workers", "2")
    yield house, service, is_up(service)
    assert service.end() == 0


async def test_another_worker_goes_on_with_the_sessions_of_one_that_was_killed_and_an_end_reaches_all(
    workers: tuple[House, Running, str],
) -> None:
    house, service, url = workers
    processes, bearer = worker_ids(service), house.token()
    async with (
        AsyncExitStack() as stack,
        opened(url, "own", bearer) as (wire, holder),
        opened(url, "fast", bearer) as (doomed, _),
    ):
        victim = int(holder)
        assert victim in processes
        clients: list[AnyClient] = [
            await stack.enter_async_context(python(f"{url}/mcp/{server}", bearer)) for server in ("own", "fast")
        ]
        for client in clients:
            await client.call()
        os.kill(victim, signal.SIGKILL)
        async with httpx.AsyncClient(timeout=WITHIN_S) as http:
            wire.http = http
            answers = [(await wire.call("who")).result["content"][0]["text"] for _ in range(CALLS)]
            assert victim not in {int(answer) for answer in answers}
            assert len({*answers}) == 1, "whoever takes it up holds it"
            assert wire.session_id in events_of(house, "--event", "session.resumed")
            for client in clients:
                assert int(await client.call()) != victim

        # An administrator ends a session that some worker holds in memory.
        assert house.gatetrail("sessions", "--end", str(doomed.session_id)).code == 0
        await until_over(doomed)
        assert events_of(house, "--event", "session.ended") == [doomed.session_id]


@pytest.mark.parametrize("store", ["sqlite", "memory"])
async def test_sessions_live_where_the_settings_say(
    house: House, listener: tuple[socket.socket, str], store: str, tmp_path: Path, dsn: str
) -> None:
    settle(house, "own", sessions={"store": store})
    held, url = listener
    service = house.serve(listener=held)
    is_up(service)
    async with opened(url, "own", house.token()) as (wire, _):
        with psycopg.connect(dsn) as connection:
            assert connection.execute("SELECT count(*) FROM mcp_sessions").fetchone() == (0,)
        ended(service, signal.SIGKILL)
        service = house.serve(listener=held)
        async with httpx.AsyncClient(timeout=WITHIN_S) as http:
            wire.http = http
            assert (await wire.call("who")).status == (200 if store == "sqlite" else 404)
            if store == "sqlite":
                assert (tmp_path / "data/sessions.sqlite3").stat().st_mode & 0o077 == 0
                assert house.gatetrail("sessions", "--end", str(wire.session_id), "--config", "service.yaml").code == 0
                await until_over(wire)
    assert service.end() == 0
