"""One application: hosted servers behind the gate, health beside it."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any

import httpx
import pytest
from mcp.server import MCPServer
from starlette.types import ASGIApp, Receive, Scope, Send

from gatetrail.errors import SettingsInvalid
from gatetrail.service.app import create_app
from gatetrail.service.health import Health
from gatetrail.service.hosts import LOOPBACK, allowed_names, is_loopback
from gatetrail.service.serving import serving

pytestmark = pytest.mark.anyio

INITIALIZE = {
    "jsonrpc": "2.0",
    "id": 1,
    "method": "initialize",
    "params": {"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {"name": "t", "version": "1"}},
}
ACCEPT = {"accept": "application/json, text/event-stream"}


class FakeGate:
    """Remembers what it was asked to guard."""

    def __init__(self) -> None:
        self.installed: list[str] = []
        self.identified: list[str] = []

    def install(self, server: Any, *, name: str) -> None:
        assert server is not None
        self.installed.append(name)

    def identity(self, app: ASGIApp, *, problems: bool = False) -> ASGIApp:
        assert problems

        async def layer(scope: Scope, receive: Receive, send: Send) -> None:
            if scope["type"] == "http":
                self.identified.append(scope["path"])
            await app(scope, receive, send)

        return layer


@asynccontextmanager
async def served(
    gate: FakeGate, servers: dict[str, Any], health: Health | None = None, **options: Any
) -> AsyncGenerator[httpx.AsyncClient]:
    async def readiness() -> Health:
        return health or Health(ready=True)

    app = create_app(gate, servers, readiness=readiness, **options)
    async with serving(app) as url, httpx.AsyncClient(base_url=url, headers=ACCEPT) as http:
        yield http


async def test_each_server_answers_at_its_own_path_without_a_redirect() -> None:
    gate = FakeGate()
    async with served(gate, {"finance": MCPServer("Finance"), "eng-2": MCPServer("Engineering")}) as http:
        answers = [await http.post(f"/mcp/{name}", json=INITIALIZE) for name in ("finance", "eng-2")]
    assert [answer.json()["result"]["serverInfo"]["name"] for answer in answers] == ["Finance", "Engineering"]
    assert all(answer.headers["content-type"].startswith("application/json") for answer in answers)
    assert gate.installed == ["finance", "eng-2"]


async def test_a_fastmcp_server_is_served_as_well() -> None:
    fastmcp = pytest.importorskip("fastmcp")
    async with served(FakeGate(), {"fast": fastmcp.FastMCP("Fast")}) as http:
        answer = await http.post("/mcp/fast", json=INITIALIZE)
        foreign = await http.post("/mcp/fast", json=INITIALIZE, headers={"host": "evil.example"})
    assert answer.json()["result"]["serverInfo"]["name"] == "Fast"
    assert foreign.status_code in {400, 403, 421}


async def test_the_identity_layer_stands_around_all_but_servers_and_health() -> None:
    gate = FakeGate()
    async with served(gate, {"finance": MCPServer("Finance")}) as http:
        for path in ("/healthz", "/readyz", "/.env", "/mcp/other", "/openapi.json"):
            await http.get(path)
        await http.post("/mcp/finance", json=INITIALIZE)
    assert gate.identified == ["/.env", "/mcp/other"]


@pytest.mark.parametrize(
    ("host", "origin", "status"),
    [
        ("gate.example", None, 200),
        ("gate.example:8080", "https://gate.example", 200),
        ("localhost:1", "http://localhost:1", 200),
        ("evil.example", None, 421),
        ("gate.example.evil.example", None, 421),
        ("gate.example", "https://evil.example", 403),
    ],
)
async def test_only_known_names_may_ask(host: str, origin: str | None, status: int) -> None:
    headers = {"host": host} | ({"origin": origin} if origin else {})
    names = allowed_names("0.0.0.0", ["gate.example"])
    async with served(FakeGate(), {"finance": MCPServer("Finance")}, allowed_hosts=names) as http:
        assert (await http.post("/mcp/finance", json=INITIALIZE, headers=headers)).status_code == status


@pytest.mark.parametrize("host", ["gate.example:8080", "LOCALHOST", "[::1]:1"])
async def test_pages_are_shown_under_known_names(host: str) -> None:
    names = allowed_names("0.0.0.0", ["gate.example"])
    async with served(FakeGate(), {}, allowed_hosts=names) as http:
        for path in ("/", "/docs", "/openapi.json"):
            assert (await http.get(path, headers={"host": host})).status_code == 200


@pytest.mark.parametrize("host", ["evil.example", "localhost.evil.example", "127.0.0.1.evil.example:80", "", "::1"])
async def test_a_page_behind_a_rebound_name_reads_nothing(host: str) -> None:
    gate = FakeGate()
    async with served(gate, {}) as http:
        for path in ("/", "/docs", "/dashboard/main.js", "/v1/events", "/v1/events/"):
            answer = await http.get(path, headers={"host": host})
            assert (answer.status_code, answer.json()["code"]) == (421, "host_unknown")
        for path in ("/healthz", "/readyz"):
            assert (await http.get(path, headers={"host": host})).status_code == 200
    assert gate.identified == ["/v1/events", "/v1/events/"], "the identity layer comes first: it records who knocks"


async def test_nobody_is_sent_elsewhere_for_a_slash() -> None:
    async with served(FakeGate(), {}) as http:
        assert (await http.get("/healthz/")).status_code == 404


@pytest.mark.requirement("G5")
async def test_readiness_names_what_is_away() -> None:
    away = Health(ready=False, away={"database": "does not answer"}, failing={"sink file": "takes nothing"})
    async with served(FakeGate(), {}, away) as http:
        answer = await http.get("/readyz")
        assert (answer.status_code, Health.model_validate(answer.json())) == (503, away)
        assert (await http.get("/healthz")).json() == {"status": "alive"}


@pytest.mark.parametrize("name", ["", "a/b", "..", "a b", "{x}", "é"])
def test_a_name_that_is_no_path_segment_is_refused(name: str) -> None:
    with pytest.raises(SettingsInvalid, match="cannot stand in a path"):
        create_app(FakeGate(), {name: MCPServer("x")})


@pytest.mark.parametrize(
    ("host", "further", "names"),
    [
        ("127.0.0.1", (), LOOPBACK),
        ("0.0.0.0", ("gate.example",), (*LOOPBACK, "gate.example")),
        ("::", (), LOOPBACK),
        ("fe80::1", (), (*LOOPBACK, "[fe80::1]")),
        ("10.0.0.5", (), (*LOOPBACK, "10.0.0.5")),
    ],
)
def test_the_allowed_names_follow_from_the_address(host: str, further: tuple[str, ...], names: tuple[str, ...]) -> None:
    assert allowed_names(host, further) == names


def test_loopback_is_what_only_this_machine_reaches() -> None:
    assert [is_loopback(host) for host in ("127.0.0.1", "127.8.8.8", "::1", "localhost")] == [True] * 4
    assert [is_loopback(host) for host in ("0.0.0.0", "::", "10.0.0.5", "gate.example")] == [False] * 4
