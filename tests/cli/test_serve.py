"""The main job through the front door: serve, call, and find it all in the record."""

from __future__ import annotations

import asyncio
import json
import re
import signal
import socket
from typing import Any

import httpx
import httpx2
import psycopg
import pytest
from mcp import Client, MCPError
from mcp.client.streamable_http import streamable_http_client
from psycopg.conninfo import conninfo_to_dict

from tests.cli.conftest import WITHIN_S, Gatetrail, Running, stopwatch
from tests.mcp.wire import ERAS, Answer, Wire

pytestmark = [pytest.mark.postgres, pytest.mark.slow, pytest.mark.requirement("D3", "D4", "E4")]

OWN_SERVER = """
import anyio
from mcp.server import MCPServer

server = MCPServer("own")

@server.tool()
async def nap(seconds: float) -> str:
    await anyio.sleep(seconds)
    return "rested"
"""
OWN_POLICY = "servers: {own: {tier: user, conceal: false, tools: {fire: {tier: admin}}}}"


def url_of(service: Running) -> str:
    """Where it listens, as soon as it does."""
    lines = service.err.wait_for(lambda lines: any(line.startswith("A token for a caller:") for line in lines))
    found = re.search(r"Listening on (http://\S+)", "\n".join(lines))
    assert found is not None
    return found[1]


def token(gatetrail: Gatetrail, *arguments: str) -> str:
    return gatetrail("token", "mint", "--user", "ann", "--tier", "user", *arguments).out.strip()


async def call(url: str, bearer: str, tool: str, **arguments: Any) -> str:
    """The text of the answer, or of the error."""
    async with (
        httpx2.AsyncClient(headers={"Authorization": f"Bearer {bearer}"}, timeout=WITHIN_S) as http,
        Client(streamable_http_client(url, http_client=http), mode="legacy") as client,
    ):
        try:
            result = await client.call_tool(tool, arguments)
        except MCPError as problem:
            return str(problem)
        return getattr(result.content[0], "text", "")


def test_an_allowed_and_a_denied_call_are_found_explained_and_verified(gatetrail: Gatetrail) -> None:
    service = gatetrail.start("serve", "--port", "0")
    url = url_of(service)
    bearer = token(gatetrail, "--department", "finance", "--scope", "finance:read")
    assert "2026-0118" in asyncio.run(call(f"{url}/mcp/finance", bearer, "get_invoice", number="2026-0118"))
    refusal = asyncio.run(call(f"{url}/mcp/finance", bearer, "export_payroll"))
    decision_id = refusal.rpartition("(decision ")[2].rstrip(")")

    calls = gatetrail("events", "--user", "ann", "--event", "tool_call.*", "--format", "json").objects
    assert [(event["event_name"], event["execution_status"]) for event in calls] == [
        ("tool_call.decided", "pending"),
        ("tool_call.completed", "success"),
        ("tool_call.decided", "denied"),
    ]
    assert calls[2]["execution_id"] == decision_id
    (why,) = gatetrail("why", decision_id, "--json").objects
    assert (why["gate"], why["rule_id"]) == ("blocklist", "payroll-stays-in-house")
    assert "payroll-stays-in-house removed from the policy, or expired" in why["would_have_passed"]
    assert gatetrail("verify").code == 0
    assert service.end() == 0
    assert service.err.wait_for(lambda _lines: True)[-1].startswith("Ending")


@pytest.mark.requirement("A4", "E1")
def test_a_malformed_token_is_refused_at_the_door_and_recorded(gatetrail: Gatetrail) -> None:
    url = url_of(gatetrail.start("serve", "--port", "0"))
    answer = httpx.post(f"{url}/mcp/finance", json={}, headers={"authorization": "Bearer not-a-token"})
    assert answer.status_code == 401
    assert "expected three parts of base64url, joined by dots" in answer.json()["error"]["message"]
    (event,) = gatetrail("events", "--event", "identity.refused", "--format", "json").objects
    assert event["reason_code"] == "token_malformed"
    assert "not-a-token" not in json.dumps(event)


@pytest.mark.parametrize("era", ERAS)
def test_a_server_of_ones_own_is_hosted_and_a_call_in_flight_survives_the_end(gatetrail: Gatetrail, era: str) -> None:
    (gatetrail.folder / "mine.py").write_text(OWN_SERVER)
    (gatetrail.folder / "policy.yaml").write_text(OWN_POLICY)
    (gatetrail.folder / "service.yaml").write_text("servers: {own: {python: 'mine:server'}}\npolicy: policy.yaml\n")
    service = gatetrail.start("serve", "--port", "0", "--config", "service.yaml")
    url, bearer = url_of(service), token(gatetrail, "--config", "service.yaml")
    following = gatetrail.start("events", "--follow", "--tool", "nap", "--format", "json")

    async def end_in_mid_call() -> Answer:
        async with httpx.AsyncClient(timeout=WITHIN_S) as http:
            wire = Wire(http, f"{url}/mcp/own", era, bearer)
            await wire.open()
            napping = asyncio.create_task(wire.call("nap", {"seconds": 2.0}))
            await asyncio.to_thread(following.out.wait_for, lambda lines: len(lines) > 0)
            service.process.send_signal(signal.SIGINT)
            return await napping

    elapsed_s = stopwatch()
    assert asyncio.run(end_in_mid_call()).result["content"][0]["text"] == "rested"
    assert service.process.wait(WITHIN_S) == 0
    assert elapsed_s() < WITHIN_S
    outcomes = gatetrail("events", "--event", "tool_call.completed", "--format", "json").objects
    assert [event["execution_status"] for event in outcomes] == ["success"]


def test_a_file_sink_holds_the_same_lines_when_the_service_has_ended(gatetrail: Gatetrail) -> None:
    path = gatetrail.folder / "events.jsonl"
    (gatetrail.folder / "service.yaml").write_text(f"sinks: {{file: {{type: file, path: '{path}'}}}}\n")
    service = gatetrail.start("serve", "--port", "0", "--config", "service.yaml")
    asyncio.run(call(f"{url_of(service)}/mcp/engineering", token(gatetrail), "service_status"))
    assert service.end() == 0
    assert path.read_text() == gatetrail("events", "--limit", "0", "--format", "json").out
    (sink,) = gatetrail("sinks", "--json").objects
    assert (sink["sink_name"], sink["lag"]) == ("file", 0)


def test_without_sinks_nothing_is_exported(gatetrail: Gatetrail) -> None:
    path = gatetrail.folder / "events.jsonl"
    (gatetrail.folder / "service.yaml").write_text(f"sinks: {{file: {{type: file, path: '{path}'}}}}\n")
    service = gatetrail.start("serve", "--port", "0", "--config", "service.yaml", "--no-sinks")
    url_of(service)
    assert service.end() == 0
    assert not path.exists()


@pytest.mark.requirement("G5")
def test_readiness_follows_the_database(gatetrail: Gatetrail, dsn: str, server_dsn: str) -> None:
    url = url_of(gatetrail.start("serve", "--port", "0"))
    assert httpx.get(f"{url}/readyz").json() == {"ready": True, "away": {}, "failing": {}}
    name = str(conninfo_to_dict(dsn)["dbname"])
    with psycopg.connect(server_dsn, autocommit=True) as connection:
        connection.execute(f"ALTER DATABASE {name} ALLOW_CONNECTIONS false".encode())
        connection.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", (name,))
        elapsed_s = stopwatch()
        while (answer := httpx.get(f"{url}/readyz", timeout=WITHIN_S)).status_code == 200:
            assert elapsed_s() < WITHIN_S
        connection.execute(f"ALTER DATABASE {name} ALLOW_CONNECTIONS true".encode())
    assert answer.status_code == 503
    assert "database" in answer.json()["away"]
    assert httpx.get(f"{url}/healthz").status_code == 200
    elapsed_s = stopwatch()
    while httpx.get(f"{url}/readyz", timeout=WITHIN_S).status_code != 200:
        assert elapsed_s() < WITHIN_S


def test_listening_beyond_this_machine_is_warned_about(gatetrail: Gatetrail) -> None:
    service = gatetrail.start("serve", "--host", "0.0.0.0", "--port", "0")
    warnings = service.err.wait_for(lambda lines: any("warning" in line for line in lines))
    assert "other machines can reach" in warnings[-1]


def test_a_port_of_a_service_that_has_just_ended_is_free_at_once(gatetrail: Gatetrail) -> None:
    first = gatetrail.start("serve", "--port", "0")
    url = url_of(first)
    asyncio.run(call(f"{url}/mcp/engineering", token(gatetrail), "service_status"))
    elapsed_s = stopwatch()
    assert first.end() == 0
    assert elapsed_s() < 5
    port = url.rpartition(":")[2]
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", int(port)), 1)
    assert url_of(gatetrail.start("serve", "--port", port)) == url
