"""A responder without a way to the database asks the service."""

from __future__ import annotations

import asyncio
import secrets
import signal
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import psycopg
import pytest
from psycopg import sql
from psycopg.conninfo import make_conninfo

from gatetrail.cli import remote
from gatetrail.cli.remote import open_remote
from gatetrail.cli.remote_address import address_of
from gatetrail.delivery.sink import Start
from gatetrail.events.search import EventFilter
from gatetrail_sinks.postgres.cursors import PostgresCursors
from tests.cli.conftest import Gatetrail, Ran
from tests.cli.recorded import allowed, denied, limited, record
from tests.cli.test_serve import url_of

pytestmark = [pytest.mark.postgres, pytest.mark.slow, pytest.mark.requirement("E4")]

UNKNOWN_ID = "01999999-9999-7999-8999-999999999999"


@dataclass
class Place:
    """A service over a small record, and tokens for it."""

    gatetrail: Gatetrail
    url: str
    auditor: Path
    ann: Path
    denial_id: str

    def ask(self, *arguments: str, token: Path | None = None) -> Ran:
        """As somebody who knows nothing but URL and token."""
        elsewhere = Gatetrail(self.gatetrail.folder, {})
        return elsewhere(*arguments, "--url", self.url, "--token-file", str(token or self.auditor))


@pytest.fixture(scope="module")
def place(server_dsn: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    name = f"test_{secrets.token_hex(6)}"
    with psycopg.connect(server_dsn, autocommit=True) as connection:
        connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
    dsn = make_conninfo(server_dsn, dbname=name)
    folder = tmp_path_factory.mktemp("remote")
    denial = denied(user_id="bob", tool_name="close_books")
    record(dsn, [*allowed(user_id="ann"), denial, *allowed(user_id="bob"), limited(user_id="eve")])
    asyncio.run(behind(dsn))
    command = Gatetrail(folder, {"GATETRAIL_DSN": dsn, "GATETRAIL_DATA_DIR": str(folder / "data")})
    try:
        url = url_of(command.start("serve", "--port", "0"))
        auditor, ann = folder / "auditor.jwt", folder / "ann.jwt"
        auditor.write_text(minted(command, "--user", "olga", "--role", "auditor"))
        ann.write_text(minted(command, "--user", "ann"))
        yield Place(command, url, auditor, ann, denial.execution_id)
    finally:
        command.end_all()
        with psycopg.connect(server_dsn, autocommit=True) as connection:
            connection.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))


def minted(command: Gatetrail, *arguments: str) -> str:
    return command("token", "mint", "--tier", "user", *arguments).out


async def behind(dsn: str) -> None:
    cursors = PostgresCursors(dsn)
    await cursors.acquire("siem", Start.BEGINNING)
    await cursors.advance("siem", 2, 2)
    await cursors.close()


@pytest.mark.parametrize(
    "filters",
    [
        ("--event", "tool_call.*"),
        ("--event", "tool_call.*", "--user", "bob", "--limit", "2"),
        ("--tool", "CLOSE_*", "--decision", "deny"),
        ("--event", "tool_call.*", "--limit", "0", "--since", "1h"),
        ("--gate", "rate_limit", "--format", "cef"),
        ("--user", "nobody"),
    ],
    ids=" ".join,
)
def test_the_service_gives_what_the_database_gives(place: Place, filters: tuple[str, ...]) -> None:
    form = () if "--format" in filters else ("--json",)
    direct = place.gatetrail("events", *form, *filters)
    asked = place.ask("events", *form, *filters)
    assert (asked.code, asked.out, asked.err) == (0, direct.out, direct.err)


@pytest.mark.anyio
async def test_pages_of_a_service_are_put_together(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(remote, "PAGE", 2)
    wanted = EventFilter(event="tool_call.*")
    async with open_remote(address_of(place.url, place.auditor)) as reader:
        assert [entry.seq for entry in await reader.search.newest(wanted, 100)] == [1, 2, 3, 4, 5, 6]
        assert [entry.seq for entry in await reader.search.newest(wanted, 3)] == [4, 5, 6]
        assert [entry.seq for entry in await reader.search.newest(wanted, 3, before_seq=6)] == [3, 4, 5]
        assert [entry.seq for entry in await reader.search.after(wanted, 2, 100)] == [3, 4]
        assert await reader.head_seq() >= 6


@pytest.mark.requirement("D8")
def test_a_decision_is_explained_as_from_the_database(place: Place) -> None:
    direct = place.gatetrail("why", place.denial_id)
    asked = place.ask("why", place.denial_id)
    assert (asked.code, asked.out) == (0, direct.out)
    (explained,) = place.ask("why", place.denial_id, "--json").objects
    assert explained == place.gatetrail("why", place.denial_id, "--json").objects[0]


def test_sinks_are_shown_as_from_the_database(place: Place) -> None:
    (asked,) = place.ask("sinks", "--json").objects
    (direct,) = place.gatetrail("sinks", "--json").objects
    moving = ("looked_at", "head_seq", "lag")
    assert {key: asked[key] for key in asked if key not in moving} == {
        key: direct[key] for key in direct if key not in moving
    }
    assert asked["cursor_seq"] == 2


def test_url_and_token_may_come_from_the_environment_and_what_is_typed_goes_first(place: Place) -> None:
    variables = {"GATETRAIL_URL": place.url, "GATETRAIL_TOKEN": place.ann.read_text()}
    elsewhere = Gatetrail(place.gatetrail.folder, variables)
    shown = elsewhere("events", "--json", "--event", "tool_call.*").objects
    assert [event["seq"] for event in shown] == [1, 2]
    typed = elsewhere("events", "--json", "--event", "tool_call.*", "--dsn", place.gatetrail.variables["GATETRAIL_DSN"])
    assert [event["seq"] for event in typed.objects] == [1, 2, 3, 4, 5, 6]


@pytest.mark.parametrize("arguments", [("verify",), ("sinks", "quarantine"), ("replay", "--sink", "a", "--from", "1")])
def test_what_only_the_database_can_answer_is_not_asked_of_an_empty_one(
    offline: Gatetrail, arguments: tuple[str, ...]
) -> None:
    ran = Gatetrail(offline.folder, {"GATETRAIL_URL": "http://127.0.0.1:8080"})(*arguments)
    assert (ran.code, ran.out) == (2, "")
    assert "this needs the database, and GATETRAIL_URL names a service" in ran.errors[0]
    assert not [*offline.folder.iterdir()]


def test_who_may_not_see_gets_a_no(place: Place) -> None:
    for arguments in (("sinks",), ("events", "--user", "bob"), ("why", place.denial_id)):
        ran = place.ask(*arguments, token=place.ann)
        assert (ran.code, ran.out, len(ran.errors)) == (1, "", 1)
        assert place.url in ran.errors[0]
    assert place.ask("why", UNKNOWN_ID).code == 1


def test_without_a_token_or_with_a_wrong_one_it_is_told_what_to_do(place: Place) -> None:
    elsewhere = Gatetrail(place.gatetrail.folder, {"GATETRAIL_URL": place.url})
    ran = elsewhere("events")
    assert (ran.code, ran.out) == (2, "")
    assert "put a token into GATETRAIL_TOKEN, or name its file with --token-file" in ran.errors[0]
    ran = elsewhere("events", GATETRAIL_TOKEN=place.ann.read_text().strip()[:-6] + "AAAAAA")
    assert (ran.code, ran.out) == (2, "")
    assert "does not take the token" in ran.errors[0]
    assert "gatetrail token mint" in ran.errors[0]


@pytest.mark.requirement("E3")
def test_a_stream_goes_on_over_a_restart_of_the_service_with_every_event_once(gatetrail: Gatetrail, dsn: str) -> None:
    record(dsn, allowed(user_id="ann"))
    service = gatetrail.start("serve", "--port", "0")
    url = url_of(service)
    bearer = minted(gatetrail, "--user", "olga", "--role", "auditor").strip()
    asked = ("events", "--event", "tool_call.*", "--json", "--follow", "--url", url)
    following = gatetrail.start(*asked, GATETRAIL_TOKEN=bearer)
    following.out.wait_for(lambda lines: len(lines) == 2)
    record(dsn, allowed(user_id="bob"))
    following.out.wait_for(lambda lines: len(lines) == 4)

    assert service.end(signal.SIGKILL) == -signal.SIGKILL
    following.err.wait_for(lambda lines: any("trying again until it is back" in line for line in lines))
    record(dsn, allowed(user_id="eve"))
    url_of(gatetrail.start("serve", "--port", url.rpartition(":")[2]))
    following.out.wait_for(lambda lines: len(lines) == 6)
    record(dsn, [denied(user_id="mallory")])
    shown = following.out.wait_for(lambda lines: len(lines) == 7)

    direct = gatetrail("events", "--event", "tool_call.*", "--json", "--limit", "0")
    assert shown == direct.out.splitlines()
    told = following.err.wait_for(lambda lines: len(lines) == 2)
    assert told[0].startswith(f"gatetrail: warning: {url} does not answer: ")
    assert told[1] == "The service is back."
    assert following.end(signal.SIGINT) == 130
