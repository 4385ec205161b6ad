"""The same client object goes on with the same session when the service behind it has ended, however that came."""

from __future__ import annotations

import asyncio
import signal
import socket
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import Any

import httpx
import psycopg
import pytest

from gatetrail.service.listening import url_of
from tests.cli.conftest import WITHIN_S, Gatetrail
from tests.lifecycle.conftest import House, is_up
from tests.lifecycle.going_on import (
    SERVERS,
    Crowd,
    Rounds,
    clients_of,
    ended,
    events_of,
    opened,
    sessions_of,
    settle,
)
from tests.service.api.conftest import module_dsn

__all__ = ["module_dsn"]

pytestmark = [pytest.mark.anyio, pytest.mark.postgres, pytest.mark.slow, pytest.mark.requirement("A6", "B3")]

ENDS = (signal.SIGTERM, signal.SIGKILL)
OPEN_SESSIONS = 1_000
LIFE_S = 3_600


@dataclass(frozen=True)
class Story:
    """What came of all clients of a service that was ended twice; told once, because its starts are what takes time."""

    opened: frozenset[str]
    """Sessions of the clients, before."""
    crowd: frozenset[str]
    """A thousand others, before."""
    unused: str
    """A session that nobody has used for longer than it may live."""
    answers: dict[signal.Signals, dict[str, str]]
    """For each end, by client: the process that answered next."""
    processes: dict[signal.Signals, int]
    crowd_went_on: int
    release: str
    """The answer to the second round."""
    sessions: dict[str, dict[str, Any]]
    """As `gatetrail sessions` has them in the end."""
    resumed: list[str]
    expired: list[str]
    releases: set[str]
    """Sessions of the calls of two rounds."""
    codes: tuple[int, int]
    """Of the service in the end, and of `gatetrail verify`."""


@pytest.fixture(scope="module")
async def story(module_dsn: str, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Story]:
    folder = tmp_path_factory.mktemp("restarts")
    gatetrail = Gatetrail(folder, {"GATETRAIL_DSN": module_dsn, "GATETRAIL_DATA_DIR": str(folder / "data")})
    house = House(gatetrail)
    settle(house, *SERVERS, sessions={"life_s": LIFE_S})
    try:
        with socket.create_server(("127.0.0.1", 0)) as held:
            yield await told(house, held, module_dsn)
    finally:
        gatetrail.end_all()


async def told(house: House, held: socket.socket, dsn: str) -> Story:
    service = house.serve(listener=held)
    url, bearer = is_up(service), house.token()
    assert url == url_of(held)
    async with AsyncExitStack() as stack:
        clients = await clients_of(url, bearer, stack)
        await asyncio.gather(*(client.call() for client in clients.values()))
        with psycopg.connect(dsn) as connection:
            before = {str(row[0]) for row in connection.execute("SELECT session_id FROM mcp_sessions")}
        answers, processes = dict[signal.Signals, dict[str, str]](), dict[signal.Signals, int]()
        rounds = Rounds(f"{url}/mcp/own", bearer)
        await rounds.begin()
        async with httpx.AsyncClient(timeout=WITHIN_S) as http:
            crowd = Crowd(http, f"{url}/mcp/own", bearer)
            crowd_ids = await asyncio.gather(*(crowd.opened() for _ in range(OPEN_SESSIONS)))
        async with opened(url, "own", bearer) as (wire, _):
            unused = str(wire.session_id)
        for by in ENDS:
            ended(service, by)
            if by is signal.SIGKILL:
                let_time_go_by(dsn, unused)
            calls = [asyncio.create_task(client.call()) for client in clients.values()]
            service = house.serve(listener=held)  # the calls wait in its backlog meanwhile
            async with asyncio.timeout(WITHIN_S):
                answers[by] = dict(zip(clients, await asyncio.gather(*calls), strict=True))
            processes[by] = service.process.pid
        async with asyncio.timeout(WITHIN_S), httpx.AsyncClient(timeout=WITHIN_S) as http:
            crowd = Crowd(http, f"{url}/mcp/own", bearer)
            went_on = await asyncio.gather(*(crowd.answered(*one) for one in enumerate(crowd_ids)))
        release = await rounds.end()
        sessions, resumed, expired, releases = await asyncio.gather(
            asyncio.to_thread(sessions_of, house),
            asyncio.to_thread(events_of, house, "--event", "session.resumed"),
            asyncio.to_thread(events_of, house, "--event", "session.ended"),
            asyncio.to_thread(events_of, house, "--tool", "release"),
        )
    return Story(
        opened=frozenset(before),
        crowd=frozenset(crowd_ids),
        unused=unused,
        answers=answers,
        processes=processes,
        crowd_went_on=went_on.count(True),
        release=release,
        sessions=sessions,
        resumed=resumed,
        expired=expired,
        releases={*releases},
        codes=(service.end(), house.gatetrail("verify").code),
    )


def let_time_go_by(dsn: str, session_id: str) -> None:
    with psycopg.connect(dsn) as connection:
        connection.execute(
            "UPDATE mcp_sessions SET last_used_at = last_used_at - make_interval(secs => %s) WHERE session_id = %s",
            (LIFE_S + 60, session_id),
        )


@pytest.mark.parametrize("by", ENDS)
@pytest.mark.parametrize("server", SERVERS)
@pytest.mark.parametrize("client", ["python", "typescript 1", "typescript 2"])
async def test_every_client_goes_on_with_its_session_whatever_ends_the_service_and_whatever_serves_it(
    story: Story, by: signal.Signals, server: str, client: str
) -> None:
    process = story.answers[by][f"{client} {server}"]
    assert server == "far" or process == str(story.processes[by])


async def test_nobody_had_to_open_another_session_and_each_was_taken_up_once_a_restart(story: Story) -> None:
    assert len(story.opened) == len(story.answers[signal.SIGKILL])
    assert sorted(one for one in story.resumed if one in story.opened) == sorted([*story.opened] * len(ENDS))
    rows = {name: row for name, row in story.sessions.items() if row["server_name"] is not None}
    assert rows.keys() == story.opened | story.crowd | {story.unused}
    assert {rows[name]["state"] for name in story.opened} == {"open"}
    assert {rows[name]["client_name"] for name in story.opened} >= {"agent"}
    assert story.codes == (0, 0)


async def test_a_call_of_two_rounds_goes_on_after_the_service_was_killed(story: Story) -> None:
    assert story.release == "released no 7"
    assert len(story.releases) == 1, "one session of governance, before and after"


async def test_a_thousand_open_sessions_go_on_after_the_service_was_killed(story: Story) -> None:
    assert len(story.crowd) == story.crowd_went_on == OPEN_SESSIONS
    assert len([one for one in story.resumed if one in story.crowd]) == OPEN_SESSIONS


async def test_what_nobody_has_used_for_its_life_has_ended_and_that_is_recorded(story: Story) -> None:
    assert story.expired == [story.unused]
    row = story.sessions[story.unused]
    assert (row["state"], row["reason"]) == ("ended", f"it was not used for {LIFE_S} s")
