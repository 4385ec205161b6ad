"""The whole gate on a real PostgreSQL, over HTTP and from Python: no table and no file holds a planted secret."""

from __future__ import annotations

import contextlib
import secrets
from collections.abc import AsyncGenerator
from pathlib import Path

import httpx
import psycopg
import pytest
from mcp.server.mcpserver import MCPServer
from psycopg import sql
from pydantic import SecretStr

from gatetrail import Call, CallDenied, Gatetrail, Ids
from gatetrail.call import Origin
from gatetrail.clock import IdMaker, SystemClock
from gatetrail.identity.bearer import mint
from gatetrail.identity.caller import Authenticated, AuthMethod
from gatetrail.identity.tiers import CallerType, Tier
from gatetrail.policy.load import parse_policy
from gatetrail.settings import ServiceSettings, load_settings
from tests.redaction.stage import listening

pytestmark = [pytest.mark.anyio, pytest.mark.postgres, pytest.mark.requirement("F3")]

KEY = "AKIAIOSFODNN7EXAMPLE"
TOKEN = f"ghp_{'aB3dE5gH' * 5}"
PASSWORD = "correct-horse-battery"
IBAN = "DE02120300000000202051"
PLANTED = (KEY, TOKEN, PASSWORD, IBAN)
SECRET = secrets.token_urlsafe(48)
POLICY = """
servers: {finance: {tier: anonymous, tools: {closed: {tier: admin}}}}
redaction:
  preview_bytes: 600
  arguments: [{path: customer.iban, class: sensitive, action: hash}]
"""


@pytest.fixture
async def gate(dsn: str, tmp_path: Path) -> AsyncGenerator[Gatetrail]:
    options = {"jwt_secret": SecretStr(SECRET), "redaction_key": SecretStr("r" * 32)}
    settings: ServiceSettings = load_settings(
        None,
        data_dir=tmp_path / "data",
        sinks={"file": {"type": "file", "path": str(tmp_path / "audit.jsonl")}},
        **options,
    )
    async with Gatetrail.open(parse_policy(POLICY, "test"), dsn=dsn, settings=settings) as gate:
        yield gate


def caller() -> Authenticated:
    return Authenticated(
        f"ann {KEY}", Tier.USER, Tier.USER, CallerType.USER, AuthMethod.EMBEDDED, roles=(TOKEN,), department=TOKEN
    )


async def play_calls(gate: Gatetrail) -> None:
    arguments = {"password": PASSWORD, "note": f"use {KEY}, or {TOKEN}", "customer": {"iban": IBAN}}
    origin = Origin("10.0.0.1", f"agent {TOKEN}", None)
    ids = Ids("a" * 32, session_id=f"s-{KEY}", context_id=TOKEN, task_id=KEY)
    for tool in ("open", "closed", f"db://app:{PASSWORD}@host/x?token={TOKEN}"):
        call = Call("finance", tool, ids, arguments=arguments, call_id=TOKEN, origin=origin)
        with contextlib.suppress(CallDenied, ValueError):
            async with gate.guard(call, caller()):
                raise ValueError(f"the handler failed with {PASSWORD} and {KEY}")


async def play_http(gate: Gatetrail) -> None:
    server = MCPServer("finance")

    @server.tool()
    async def note(text: str, password: str) -> str:
        raise ValueError(f"{text} {password}")

    gate.install(server, name="finance")
    app = server.streamable_http_app(json_response=True, stateless_http=True)
    token = mint(
        gate.policy.document.identity,
        SECRET.encode(),
        SystemClock(),
        IdMaker(SystemClock()),
        user="bob",
        tier=Tier.USER,
    )
    params = {"name": "note", "arguments": {"text": KEY, "password": PASSWORD, "customer": {"iban": IBAN}}}
    body = {"jsonrpc": "2.0", "id": TOKEN, "method": "tools/call", "params": params}
    headers = {"user-agent": f"agent {TOKEN}", "accept": "application/json, text/event-stream"}
    transport = httpx.ASGITransport(app)
    async with (
        server.session_manager.run(),
        httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1:80") as http,
    ):
        for authorization in (f"Bearer {token}", f"Bearer {TOKEN}", f"Basic {PASSWORD}"):
            await http.post("/mcp", json=body, headers={**headers, "authorization": authorization})
        await http.get(f"/.env?token={TOKEN}", headers=headers)
        await http.get(f"/.git/{KEY}", headers=headers)


async def all_tables(dsn: str) -> str:
    async with await psycopg.AsyncConnection.connect(dsn) as connection:
        found = await connection.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
        names = [name for (name,) in await found.fetchall()]
        told: list[str] = []
        for name in names:
            rows = await connection.execute(sql.SQL("SELECT row::text FROM {} AS row").format(sql.Identifier(name)))
            told += [row for (row,) in await rows.fetchall()]
    return "\n".join(told)


async def test_no_table_no_file_and_no_log_line_holds_a_planted_secret(
    gate: Gatetrail, dsn: str, tmp_path: Path
) -> None:
    with listening() as heard:
        await play_calls(gate)
        await play_http(gate)
        for follower in gate.followers:
            await follower.stop(10)
    tables = await all_tables(dsn)
    file = (tmp_path / "audit.jsonl").read_text("utf-8")
    kinds = {entry.event_name for entry in await gate.journal.read(0, 1000)}
    assert kinds >= {
        *("tool_call.decided", "tool_call.completed", "session.started", "identity.refused", "scanner.detected"),
    }
    for planted in PLANTED:
        assert planted not in tables
        assert planted not in file
        assert not any(planted in line for line in heard.lines)
    assert "[redacted:aws_key]" in tables
    assert "[redacted:github_token]" in file
    assert file.count("arguments_preview") >= 3
