"""An upstream at a URL: forwarded, restarted, refused, hung up on; and none of the caller's headers sent to it."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import anyio
import pytest
from mcp.server import MCPServer
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from gatetrail.service.serving import serving
from gatetrail.upstreams import Limits, Phase, Revealed, Upstream, UrlTarget
from tests.mcp.wire import ERAS, HANDSHAKE, MODERN
from tests.upstreams.driving import QUICK, mounted, until

pytestmark = [pytest.mark.anyio, pytest.mark.requirement("A8")]

TOKEN = "Bearer a-credential-of-the-gate"
POLICY = "servers: {up: {tier: user, tools: {hang: {time_limit_ms: 300}}}}"


@dataclass
class Elsewhere:
    """Somebody else's server; what it was sent, and how it behaves."""

    json_response: bool = True
    sent: list[Mapping[str, str]] = field(default_factory=list[Mapping[str, str]])
    refuse_status: int | None = None
    cancelled: int = 0

    def app(self) -> ASGIApp:
        server = MCPServer("elsewhere", instructions="Far away.")

        @server.tool()
        def echo(text: str) -> str:
            return text

        @server.tool()
        async def hang() -> str:
            try:
                await anyio.sleep_forever()
            except anyio.get_cancelled_exc_class():
                self.cancelled += 1
                raise
            return ""

        inner = server.streamable_http_app(json_response=self.json_response)

        async def recording(scope: Scope, receive: Receive, send: Send) -> None:
            if scope["type"] == "http":
                self.sent.append({name.decode(): value.decode() for name, value in scope["headers"]})
                if self.refuse_status is not None:
                    await PlainTextResponse("go away", self.refuse_status)(scope, receive, send)
                    return
            await inner(scope, receive, send)

        return recording

    @asynccontextmanager
    async def open(self, listener: socket.socket | None = None) -> AsyncGenerator[str]:
        async with serving(self.app(), listener=listener, grace_s=0) as url:
            yield f"{url}/mcp"


def target(url: str, **headers: str) -> UrlTarget:
    return UrlTarget(url, lambda: Revealed(headers, frozenset(headers.values())))


@pytest.mark.parametrize("json_response", [True, False])
@pytest.mark.parametrize("era", ERAS)
async def test_calls_are_passed_on_and_the_callers_headers_are_not(
    tmp_path: Path, era: str, json_response: bool
) -> None:
    elsewhere = Elsewhere(json_response)
    async with elsewhere.open() as url, mounted(tmp_path, target(url, Authorization=TOKEN), policy=POLICY) as house:
        wire = await house.wire(era)
        wire.headers.update({"cookie": "theirs=1", "x-forwarded-for": "10.1.1.1", "x-caller": "ann"})
        assert (await wire.call("echo", {"text": "hi"})).result["structuredContent"] == {"result": "hi"}
        assert house.outcomes() == [("echo", "success", None)]
    assert {headers.get("authorization") for headers in elsewhere.sent} == {TOKEN}
    assert not {"cookie", "x-forwarded-for", "x-caller"} & {name for headers in elsewhere.sent for name in headers}
    assert not any(wire.token in str(headers) for headers in elsewhere.sent if wire.token)
    assert not any(wire.session_id in str(headers) for headers in elsewhere.sent if wire.session_id)


async def test_one_that_does_not_answer_is_a_timeout_and_cancelled_there(tmp_path: Path) -> None:
    elsewhere = Elsewhere(json_response=False)
    async with elsewhere.open() as url, mounted(tmp_path, target(url), policy=POLICY) as house:
        wire = await house.wire(HANDSHAKE)
        assert (await wire.call("hang")).error["code"] == 40801
        assert house.outcomes() == [("hang", "timeout", "time_limit")]
        await until(lambda: elsewhere.cancelled == 1)
        assert (await wire.call("echo", {"text": "on"})).result["content"]
        assert house.upstream.state().restarts == 0


@pytest.mark.parametrize("era", ERAS)
async def test_calls_in_flight_fail_when_it_ends_and_the_next_one_works_when_it_is_back(
    tmp_path: Path, era: str
) -> None:
    policy = "servers: {up: {tier: user}}"
    listener = socket.create_server(("127.0.0.1", 0))
    port = listener.getsockname()[1]
    async with mounted(tmp_path, target(f"http://127.0.0.1:{port}/mcp"), policy=policy, wait=False) as house:
        async with Elsewhere().open(listener):
            await house.up()
            wire = await house.wire(era)
            hanging = asyncio.create_task(wire.call("hang"))
            await until(house.gate.decisions)
        assert (await hanging).error["code"] == 50302
        async with asyncio.timeout(5):
            assert (await wire.call("echo", {"text": "?"})).error["code"] == 50302
        assert house.outcomes() == [
            ("hang", "failed", "upstream_unavailable"),
            ("echo", "failed", "upstream_unavailable"),
        ]
        async with Elsewhere().open(socket.create_server(("127.0.0.1", port))):
            await house.up(restarts=1)
            assert (await wire.call("echo", {"text": "back"})).result["content"][0]["text"] == "back"


async def test_a_session_that_was_forgotten_is_opened_anew_and_the_call_asked_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gatetrail.upstreams.link.MODE", "legacy")
    limits = Limits(retry_initial_ms=10, retry_max_ms=10)
    exchanged = Exchanged()
    async with (
        exchanged.anew(),
        serving(exchanged, grace_s=0) as url,
        mounted(tmp_path, target(f"{url}/mcp"), limits=limits, policy=POLICY) as house,
    ):
        wire = await house.wire(HANDSHAKE)
        assert (await wire.call("echo", {"text": "one"})).result["content"]
        async with exchanged.anew():
            assert (await wire.call("echo", {"text": "two"})).result["content"][0]["text"] == "two"
            assert house.outcomes() == [("echo", "success", None)] * 2
            assert house.upstream.state().restarts == 1


class Exchanged:
    """One address, behind which the application is exchanged, as a proxy does at a deployment."""

    def __init__(self) -> None:
        self._app: ASGIApp | None = None

    @asynccontextmanager
    async def anew(self) -> AsyncGenerator[None]:
        server = MCPServer("elsewhere")

        @server.tool()
        def echo(text: str) -> str:
            return text

        app = server.streamable_http_app(json_response=True)
        async with app.router.lifespan_context(app):
            self._app = app
            yield

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            for step in ("startup", "shutdown"):
                await receive()
                await send({"type": f"lifespan.{step}.complete"})
            return
        assert self._app is not None
        await self._app(scope, receive, send)


@pytest.mark.parametrize(
    ("status", "reason"),
    [
        (401, "it does not take our credentials (HTTP 401)"),
        (403, "it refused the handshake"),
        (502, "it refused the handshake"),
    ],
)
async def test_one_that_refuses_us_is_told_by_its_status_and_not_by_our_credentials(
    tmp_path: Path, status: int, reason: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("DEBUG", "gatetrail")
    elsewhere = Elsewhere(refuse_status=status)
    async with (
        elsewhere.open() as url,
        mounted(tmp_path, target(url, Authorization=TOKEN), policy=POLICY, wait=False) as house,
    ):
        await until(lambda: house.upstream.state().restarts >= 1)
        error = (await (await house.wire(MODERN)).call("echo", {"text": "x"})).error
        assert error["message"] == f"upstream up is unavailable: {reason}"
        assert f"HTTP {status}" in str(house.upstream.state().last_error)
        elsewhere.refuse_status = None
        await house.up()
    assert "a-credential-of-the-gate" not in caplog.text + str(house.gate.events()) + repr(house)


async def test_an_address_where_nobody_listens_fails_calls_at_once(tmp_path: Path) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{unused.getsockname()[1]}/mcp"
        async with mounted(tmp_path, target(url), policy=POLICY, wait=False) as house:
            await until(lambda: house.upstream.state().phase is Phase.WAITING)
            error = (await (await house.wire(MODERN)).call("echo")).error
            assert error["message"] == "upstream up is unavailable: it cannot be connected to"


async def test_it_can_be_ended_at_any_moment_of_a_try() -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        nowhere = target(f"http://127.0.0.1:{unused.getsockname()[1]}/mcp")
        for moment in range(30):
            upstream = Upstream("up", nowhere, QUICK, jitter=lambda: 0.0)
            async with asyncio.timeout(5), upstream.running():
                await asyncio.sleep(moment / 200)
            assert upstream.state().phase is Phase.ENDED


async def test_an_address_that_never_answers_is_given_up_in_time(tmp_path: Path) -> None:
    limits = Limits(start_limit_ms=300, retry_initial_ms=20, retry_max_ms=100)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}/mcp"
        async with mounted(tmp_path, target(url), limits=limits, policy=POLICY, wait=False) as house:
            await until(lambda: house.upstream.state().restarts >= 1)
            await until(lambda: house.upstream.state().reason is not None)
            assert house.upstream.state().reason == "it did not start within 300 ms"
    assert QUICK.time_limit_ms is None
