"""Tokens and users that no longer count: from the command line to every process that runs."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import httpx
import jwt
import psycopg
import pytest
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict

from tests.cli.conftest import WITHIN_S, Gatetrail, Ran, stopwatch
from tests.cli.test_serve import call, token, url_of
from tests.mcp.wire import HANDSHAKE, Wire

pytestmark = [pytest.mark.postgres, pytest.mark.slow, pytest.mark.requirement("C6")]

Inside = Callable[..., Ran]


def told(url: str, bearer: str) -> int:
    return httpx.get(f"{url}/v1/events", headers={"authorization": f"Bearer {bearer}"}, timeout=WITHIN_S).status_code


def until_told(wanted: int, bearer: str, *urls: str) -> None:
    elapsed_s = stopwatch()
    while any(told(url, bearer) != wanted for url in urls):
        assert elapsed_s() < WITHIN_S


def jti_of(bearer: str) -> str:
    claims: dict[str, str] = jwt.decode(bearer, options={"verify_signature": False})
    return claims["jti"]


def test_what_is_revoked_is_refused_by_every_process(gatetrail: Gatetrail, inside: Inside) -> None:
    urls = [url_of(gatetrail.start("serve", "--port", "0")) for _ in range(2)]
    first, second = token(gatetrail), token(gatetrail)
    assert [told(url, bearer) for url in urls for bearer in (first, second)] == [200] * 4

    ran = inside("token", "revoke", "--jti", jti_of(first), "--reason", "seen in a log", "--by", "eve", "--json")
    until_told(401, first, *urls)
    (revoked,) = ran.objects
    assert (revoked["restriction"], revoked["token_id"]) == ("token_revoked", jti_of(first))
    assert [told(url, second) for url in urls] == [200, 200]

    inside("token", "revoke", "--user", "ann", "--reason", "laptop lost", "--by", "eve")
    until_told(401, second, *urls)
    answer = httpx.get(f"{urls[0]}/v1/events", headers={"authorization": f"Bearer {second}"}, timeout=WITHIN_S)
    assert "sign in again" in answer.text

    assert [one["restriction"] for one in inside("token", "restrictions", "--json").objects] == [
        "user_revoked",
        "token_revoked",
    ]
    assert inside("token", "restore", "--user", "ann", "--by", "eve").code == 0
    until_told(200, second, *urls)
    assert told(urls[0], first) == 401
    assert inside("token", "restore", "--user", "ann").code == 1

    events = inside("events", "--event", "identity.*", "--format", "json", "--limit", "0").objects
    changes = [event for event in events if event["event_name"] != "identity.refused"]
    assert [(event["event_name"], event["restriction"], event["changed_by"]) for event in changes] == [
        ("identity.restricted", "token_revoked", "eve"),
        ("identity.restricted", "user_revoked", "eve"),
        ("identity.restored", "user_revoked", "eve"),
    ]
    refusals = [event for event in events if event["event_name"] == "identity.refused"]
    assert {event["reason_code"] for event in refusals} == {"token_revoked"}
    assert inside("verify").code == 0


@pytest.mark.requirement("B3")
def test_a_demoted_user_is_so_in_a_session_that_is_open(gatetrail: Gatetrail, inside: Inside) -> None:
    url = url_of(gatetrail.start("serve", "--port", "0"))
    bearer = gatetrail(
        *("token", "mint", "--user", "root", "--tier", "admin"),
        *("--scope", "finance:read", "--scope", "finance:close"),
    ).out.strip()

    async def in_one_session() -> list[str]:
        async with httpx.AsyncClient(timeout=WITHIN_S) as http:
            wire = Wire(http, f"{url}/mcp/finance", HANDSHAKE, bearer)
            await wire.open()

            async def close() -> str:
                return (await wire.call("close_books", {"month": "2026-01"})).body.decode()

            answers = [await close()]
            await asyncio.to_thread(gatetrail, "token", "limit", "--user", "root", "--tier", "user", "--by", "eve")
            elapsed_s = stopwatch()
            while "Unknown tool" not in (answer := await close()):
                assert elapsed_s() < WITHIN_S
            listed = await wire.ask("tools/list")
            return [*answers, answer, listed.body.decode()]

    before, after, listed = asyncio.run(in_one_session())
    assert "Unknown tool" not in before
    assert "Unknown tool: close_books" in after
    assert "close_books" not in listed
    (denial, *_) = inside("events", "--decision", "deny", "--user", "root", "--format", "json").objects
    assert (denial["reason_code"], denial["actual_tier"], denial["required_tier"]) == ("tier_too_low", "user", "admin")


def test_a_revocation_stays_while_the_database_is_away_and_one_made_meanwhile_follows(
    gatetrail: Gatetrail, inside: Inside, dsn: str, server_dsn: str
) -> None:
    url = url_of(gatetrail.start("serve", "--port", "0"))
    first, second = token(gatetrail), token(gatetrail)
    inside("token", "revoke", "--jti", jti_of(first))
    until_told(401, first, url)
    name = sql.Identifier(str(conninfo_to_dict(dsn)["dbname"]))
    with psycopg.connect(server_dsn, autocommit=True) as connection:
        connection.execute(sql.SQL("ALTER DATABASE {} ALLOW_CONNECTIONS false").format(name))
        connection.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s",
            (conninfo_to_dict(dsn)["dbname"],),
        )
        assert told(url, first) == 401
        assert told(url, second) == 503
        connection.execute(sql.SQL("ALTER DATABASE {} ALLOW_CONNECTIONS true").format(name))
    # Nobody may hear of this one: the service has to find it when it listens again.
    with psycopg.connect(dsn, autocommit=True) as connection:
        connection.execute(
            "INSERT INTO revoked_tokens (token_id, reason, changed_by) VALUES (%s, 'lost', 'eve')", (jti_of(second),)
        )
    until_told(401, second, url)
    assert told(url, first) == 401


def test_wrong_use_says_what_would_be_right(inside: Inside) -> None:
    for arguments in (("revoke",), ("revoke", "--jti", "a", "--user", "b"), ("restore",)):
        ran = inside("token", *arguments)
        assert (ran.code, ran.errors) == (2, ["say either which token, with --jti, or whose, with --user"])
    ran = inside("token", "revoke", "--user", "a\x1b[31m")
    assert (ran.code, ran.errors) == (2, ["--user: expected a printable text of 1 to 256 bytes"])


def test_a_call_with_a_revoked_token_never_reaches_the_gates(gatetrail: Gatetrail, inside: Inside) -> None:
    url = url_of(gatetrail.start("serve", "--port", "0"))
    bearer = token(gatetrail)
    asyncio.run(call(f"{url}/mcp/engineering", bearer, "service_status"))
    inside("token", "revoke", "--user", "ann")
    until_told(401, bearer, url)
    answer = httpx.post(f"{url}/mcp/engineering", json={}, headers={"authorization": f"Bearer {bearer}"})
    assert answer.status_code == 401
    assert 'error="invalid_token"' in answer.headers["www-authenticate"]
    decided = inside("events", "--event", "tool_call.decided", "--format", "json").objects
    assert len(decided) == 1
