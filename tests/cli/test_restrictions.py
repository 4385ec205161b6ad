"""Tokens and users that no longer count: from the command line to every process that runs."""

from __future__ import annotations

import asyncio
import json
import secrets
from collections.abc import Callable

import httpx
import jwt
import psycopg
import pytest
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from tests.cli.conftest import WITHIN_S, Gatetrail, Ran, stopwatch
from tests.cli.test_serve import token, url_of
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
    challenge = httpx.post(f"{urls[0]}/mcp/engineering", json={}, headers={"authorization": f"Bearer {second}"})
    assert (challenge.status_code, 'error="invalid_token"' in challenge.headers["www-authenticate"]) == (401, True)

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
    for user in ("", "x" * 129, "\udc80"):
        ran = inside("token", "revoke", "--user", user)
        assert (ran.code, ran.errors) == (2, ["--user: expected 1 to 128 characters"])


def test_whatever_a_token_can_name_can_be_revoked(inside: Inside) -> None:
    users = ["a\x1b[31m", "ann\u00a0b", " ", "\u4e2d" * 128]
    for user in users:
        ran = inside("token", "revoke", "--user", user)
        assert (ran.code, "\x1b" in ran.out + ran.err) == (0, False)
    assert [one["user_id"] for one in inside("token", "restrictions", "--json").objects] == users[::-1]


def test_a_broken_policy_keeps_nobody_from_being_shut_out(gatetrail: Gatetrail, inside: Inside, dsn: str) -> None:
    broken = gatetrail.folder / "broken.yaml"
    broken.write_text("identity: [\n")
    ran = inside("token", "revoke", "--user", "ann", "--by", "eve", "--policy", str(broken))
    assert (ran.code, "done without" in ran.err) == (0, True)
    with psycopg.connect(dsn) as connection:
        assert connection.execute("SELECT user_id, expires_at FROM revoked_tokens").fetchall() == [("ann", None)]
    (event,) = inside("events", "--event", "identity.restricted", "--format", "json").objects
    assert "ann" not in json.dumps(event)
    assert inside("token", "restore", "--user", "ann", "--policy", str(broken)).code == 0


def test_a_revocation_outlives_what_the_policy_at_hand_knows_of(inside: Inside, dsn: str) -> None:
    """The command may run where the service's own policy is not."""
    inside("token", "revoke", "--user", "ann")
    with psycopg.connect(dsn) as connection:
        found = connection.execute("SELECT expires_at > now() + interval '399 days' FROM revoked_tokens").fetchone()
    assert found == (True,)


def test_who_may_only_read_can_restrict_nobody(inside: Inside, dsn: str) -> None:
    assert inside("token", "restrictions").code == 0
    reader = f"gatetrail_test_{secrets.token_hex(4)}"
    with psycopg.connect(dsn, autocommit=True) as connection:
        connection.execute(sql.SQL("CREATE ROLE {}").format(sql.Identifier(reader)))
        connection.execute(sql.SQL("GRANT SELECT ON ALL TABLES IN SCHEMA public TO {}").format(sql.Identifier(reader)))
        try:
            theirs = make_conninfo(dsn, options=f"-c role={reader}")
            for arguments in (
                ("revoke", "--user", "ann"),
                ("limit", "--user", "ann", "--tier", "user"),
                ("restore", "--user", "ann"),
            ):
                ran = inside("token", *arguments, "--dsn", theirs)
                assert (ran.code, "does not let this role change anything" in ran.err) == (3, True), ran.err
            assert inside("token", "restrictions", "--dsn", theirs).code == 0
            assert inside("token", "restrictions", "--json").objects == []
        finally:
            connection.execute(sql.SQL("DROP OWNED BY {}").format(sql.Identifier(reader)))
            connection.execute(sql.SQL("DROP ROLE {}").format(sql.Identifier(reader)))
