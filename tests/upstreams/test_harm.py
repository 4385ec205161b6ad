"""An upstream that means harm, or is badly broken: it hurts its own calls, and neither others nor our secrets."""

from __future__ import annotations

import asyncio
import gzip
import json
import os
import signal
import sys
import time
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response, StreamingResponse
from starlette.types import Receive, Scope, Send

from gatetrail.service.serving import serving
from gatetrail.upstreams import CommandTarget, Limits, Revealed, Upstream
from tests.checkout import ROOT
from tests.mcp.wire import HANDSHAKE, MODERN
from tests.upstreams.driving import QUICK, Script, lives, mounted, path, until
from tests.upstreams.scripted import initialized
from tests.upstreams.test_http import POLICY, TOKEN, target
from tests.upstreams.test_life import SLOW_RETRY

pytestmark = [pytest.mark.anyio, pytest.mark.requirement("A8")]

Answering = Callable[[Request, Any], Response]
MIB = 1 << 20


@dataclass
class Rogue:
    """An endpoint of the older protocol that answers calls as a test wants."""

    answering: Answering
    goodbye: Callable[[], Response] = lambda: Response(status_code=200)
    tools: list[str] = field(default_factory=lambda: ["echo"])
    requests: list[Request] = field(default_factory=list[Request])

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            for step in ("startup", "shutdown"):
                await receive()
                await send({"type": f"lifespan.{step}.complete"})
            return
        request = Request(scope, receive)
        self.requests.append(request)
        await (await self._answer(request))(scope, receive, send)

    async def _answer(self, request: Request) -> Response:
        if request.method == "DELETE":
            return self.goodbye()
        if request.method != "POST":
            return Response(status_code=405)
        message = json.loads(await request.body())
        if "id" not in message:
            return Response(status_code=202)
        match message["method"]:
            case "initialize":
                return result(message["id"], initialized(), headers={"mcp-session-id": "one"})
            case "tools/list":
                tools = [{"name": name, "inputSchema": {"type": "object"}} for name in self.tools]
                return result(message["id"], {"tools": tools})
            case "tools/call":
                return self.answering(request, message["id"])
            case _:
                error = {"code": -32601, "message": "Method not found"}
                return JSONResponse({"jsonrpc": "2.0", "id": message["id"], "error": error})

    @asynccontextmanager
    async def open(self) -> AsyncGenerator[str]:
        async with serving(self, grace_s=0) as url:
            yield f"{url}/mcp"


def result(request_id: Any, content: dict[str, Any], **more: Any) -> JSONResponse:
    return JSONResponse({"jsonrpc": "2.0", "id": request_id, "result": content}, **more)


def text(content: str) -> dict[str, Any]:
    return {"content": [{"type": "text", "text": content}]}


def answering(*answer: Response) -> Answering:
    return lambda _request, _request_id: answer[0]


NO_ANSWERS: dict[str, Callable[[str, Any], Response]] = {
    "of another request": lambda _seen, _id: result("another", text("not yours")),
    "no JSON": lambda seen, _id: spoken(f"<p>{seen}"),
    "no object": lambda seen, _id: spoken(json.dumps([seen])),
    "no MCP": lambda seen, id_: spoken(json.dumps({"id": id_, "result": seen})),
    "an event that is no MCP": lambda seen, id_: events(f'data: {{"id": {id_}, "no": "{seen}"}}\n\n'),
    "no content type": lambda seen, _id: Response(seen),
}


@pytest.mark.parametrize("kind", NO_ANSWERS)
async def test_an_answer_over_http_that_is_none_is_told_as_such_at_once(
    tmp_path: Path, kind: str, caplog: pytest.LogCaptureFixture
) -> None:
    rogue = Rogue(lambda request, id_: NO_ANSWERS[kind](request.headers["authorization"], id_))
    async with rogue.open() as url, mounted(tmp_path, target(url, Authorization=TOKEN), policy=POLICY) as house:
        wire = await house.wire(MODERN)
        async with asyncio.timeout(5):
            error = (await wire.call("echo", {})).error
        assert error == {"code": 50202, "message": "upstream up gave an answer that is not valid MCP"}
        assert house.outcomes() == [("echo", "failed", "upstream_answer_invalid")]
    assert "a-credential" not in caplog.text


def spoken(body: str) -> Response:
    return Response(body, media_type="application/json")


def events(body: str) -> Response:
    return Response(body, media_type="text/event-stream")


async def test_a_packed_answer_is_not_unpacked_without_a_bound(tmp_path: Path) -> None:
    bomb = gzip.compress(b'{"jsonrpc":"2.0","id":1,"result":{"x":"' + b" " * (80 * MIB) + b'"}}', 9)
    packed = Response(bomb, media_type="application/json", headers={"content-encoding": "gzip"})
    rogue = Rogue(answering(packed))
    async with rogue.open() as url, mounted(tmp_path, target(url), policy=POLICY) as house:
        error = (await (await house.wire(MODERN)).call("echo", {})).error
        assert error["message"] == "upstream up is unavailable: its answer is packed, which was not asked for"
    assert {request.headers.get("accept-encoding") for request in rogue.requests} == {"identity"}


async def test_an_answer_may_be_as_long_in_an_event_as_without(tmp_path: Path) -> None:
    def answer(_request: Request, request_id: Any) -> Response:
        message = {"jsonrpc": "2.0", "id": request_id, "result": text("x" * (3 * MIB))}
        return events(f"data: {json.dumps(message)}\n\n")

    async with Rogue(answer).open() as url, mounted(tmp_path, target(url), policy=POLICY) as house:
        found = (await (await house.wire(MODERN)).call("echo", {})).result
        assert len(found["content"][0]["text"]) == 3 * MIB


async def test_a_redirect_to_another_host_gets_neither_the_call_nor_our_credentials(tmp_path: Path) -> None:
    other = Rogue(lambda _request, request_id: result(request_id, text("caught")))
    async with other.open() as elsewhere:
        rogue = Rogue(answering(RedirectResponse(elsewhere, 307)), lambda: RedirectResponse(elsewhere, 307))
        async with rogue.open() as url, mounted(tmp_path, target(url, Authorization=TOKEN), policy=POLICY) as house:
            assert (await (await house.wire(MODERN)).call("echo", {})).error
    assert other.requests == []


async def test_one_that_never_stops_saying_goodbye_holds_up_no_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gatetrail.upstreams.http.GOODBYE_S", 0.3)

    async def drops() -> AsyncGenerator[bytes]:
        for _ in range(100):
            yield b"."
            await asyncio.sleep(0.1)

    rogue = Rogue(answering(Response()), lambda: StreamingResponse(drops()))
    async with rogue.open() as url, mounted(tmp_path, target(url), policy=POLICY) as house:
        assert house.upstream.keeper.link is not None
        house.upstream.keeper.link.lose("a test wants it")
        began_s = time.monotonic()
        await house.up(restarts=1)
        assert time.monotonic() - began_s < 3
    assert any(request.method == "DELETE" for request in rogue.requests)


async def test_ten_thousand_tools_are_known_each(tmp_path: Path) -> None:
    rogue = Rogue(lambda _request, request_id: result(request_id, text("done")), tools=[f"t{n}" for n in range(10_000)])
    async with rogue.open() as url, mounted(tmp_path, target(url), policy=POLICY) as house:
        wire = await house.wire(MODERN)
        assert (await wire.call("t9999", {})).result["content"][0]["text"] == "done"
        assert (await wire.call("t10000", {})).error["message"] == "Unknown tool: t10000"


async def test_a_credential_that_is_cut_off_in_a_long_line_is_not_shown_in_part(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO", "gatetrail.upstreams")
    secret = "the-credential-with-many-letters"
    say = f"import sys; sys.stderr.write('Error ' + 'x' * {{}} + '{secret}' + 'y' * 70000 + '{secret}\\nlast\\n')"
    for filled in (480, 3_985, (64 << 10) - 16):
        command = (sys.executable, "-IS", "-c", say.format(filled))
        program = CommandTarget(command, lambda: Revealed(path(), frozenset({secret})))
        async with mounted(tmp_path, program, wait=False):
            await until(lambda: "(stderr): last" in caplog.text)
            await until(lambda: "new try" in caplog.text)
            shown = caplog.text
        assert "the-cred" not in shown
        assert "letters" not in shown
        caplog.clear()


async def test_a_program_that_floods_our_log_is_cut_short_and_holds_up_nobody(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO", "gatetrail.upstreams")
    flood = "import sys; sys.stderr.write('a line of no use\\n' * 300_000); sys.stdin.read()"
    program = CommandTarget((sys.executable, "-IS", "-c", flood), lambda: Revealed(path()))
    upstream = Upstream("up", program, QUICK)
    longest_s = 0.0
    async with upstream.running():
        end_s = time.monotonic() + 2
        while (began_s := time.monotonic()) < end_s:
            await asyncio.sleep(0.01)
            longest_s = max(longest_s, time.monotonic() - began_s)
    lines = [record.getMessage() for record in caplog.records if record.name == "gatetrail.upstreams"]
    assert 100 < len(lines) < 1_000
    assert any("lines more" in line for line in lines)
    assert longest_s < 5


async def test_a_call_cannot_be_turned_into_a_task_that_outlives_its_record(tmp_path: Path) -> None:
    script = Script(tmp_path)
    async with mounted(tmp_path, script.target()) as house:
        wire = await house.wire(HANDSHAKE)
        await wire.ask("tools/call", {"name": "echo", "arguments": {}, "task": {"ttl": 60_000}})
    (call,) = [message for message in script.heard() if message.get("method") == "tools/call"]
    assert call["params"] == {"name": "echo", "arguments": {}}


@pytest.mark.parametrize("era", [HANDSHAKE, MODERN])
async def test_while_it_is_away_hidden_and_unknown_are_the_same(tmp_path: Path, era: str) -> None:
    script = Script(tmp_path)
    async with mounted(tmp_path, script.target(), limits=SLOW_RETRY) as house:
        wire = await house.wire(era)
        await wire.call("die")
        hidden, unknown = await wire.call("nonsense"), await wire.call("nonsensf")
        assert hidden.body.replace(b"nonsense", b"nonsensf") == unknown.body


async def test_before_it_was_ever_up_hidden_and_unknown_are_the_same(tmp_path: Path) -> None:
    target = CommandTarget(("/nowhere/at/all",), lambda: Revealed(path()))
    async with mounted(tmp_path, target, wait=False) as house:
        wire = await house.wire(MODERN)
        hidden, unknown = await wire.call("nonsense"), await wire.call("nonsensf")
        assert hidden.body.replace(b"nonsense", b"nonsensf") == unknown.body


async def test_a_call_in_flight_is_not_sent_again_when_another_learns_that_the_session_is_gone(tmp_path: Path) -> None:
    arrived: list[Any] = []
    forgotten = asyncio.Event()

    async def never() -> AsyncGenerator[bytes]:
        await asyncio.sleep(30)
        yield b""

    def answer(_request: Request, request_id: Any) -> Response:
        arrived.append(request_id)
        if len(arrived) == 1:
            return StreamingResponse(never(), media_type="text/event-stream")
        if not forgotten.is_set():
            forgotten.set()
            return Response(status_code=404)
        return result(request_id, text("done"))

    async with Rogue(answer).open() as url, mounted(tmp_path, target(url), policy="servers: {up: {}}") as house:
        wire = await house.wire(MODERN)
        first = asyncio.create_task(wire.call("echo", {}))
        await until(lambda: arrived)
        assert (await wire.call("echo", {})).result["content"][0]["text"] == "done"
        assert (await first).error["code"] == 50302
    assert len(arrived) == 3


async def test_a_slow_start_that_comes_to_nothing_does_not_shorten_the_pause(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("gatetrail.upstreams.keeper.STEADY_S", 0.1)
    limits = Limits(start_limit_ms=150, retry_initial_ms=50, retry_max_ms=60_000)
    upstream = Upstream("up", Script(tmp_path, ways="deaf").target(), limits, jitter=lambda: 0.0)
    async with upstream.running():
        await until(lambda: "new try in 0.2 s" in caplog.text)


async def test_a_list_that_never_comes_does_not_keep_the_next_one_from_being_asked_for(tmp_path: Path) -> None:
    script = Script(tmp_path, ways="slow-list")
    limits = Limits(start_limit_ms=1_000, retry_initial_ms=20, retry_max_ms=100)
    async with mounted(tmp_path, script.target(), limits=limits) as house:
        wire = await house.wire(MODERN)
        assert (await wire.call("grow")).result["content"]
        await until(lambda: [message.get("method") for message in script.heard()].count("tools/list") == 3)
        await asyncio.sleep(1.1)  # the list that is not answered is given up
        assert (await wire.call("grow")).result["content"]
        await until(lambda: house.upstream.schema_of("grown"))


KEEPER = """
import asyncio, sys
from pathlib import Path
from tests.upstreams.driving import Script
from gatetrail.upstreams import Upstream

async def main():
    async with Upstream("up", Script(Path(sys.argv[1]), ways="endless").target()).running():
        await asyncio.sleep(60)

asyncio.run(main())
"""


@pytest.mark.skipif(sys.platform != "linux", reason="other systems have no signal at a parent's death")
async def test_a_program_that_does_not_mind_a_closed_stdin_ends_when_we_are_killed(tmp_path: Path) -> None:
    script = Script(tmp_path)
    us = await asyncio.create_subprocess_exec(sys.executable, "-c", KEEPER, str(tmp_path), cwd=ROOT)
    try:
        await until(lambda: any(message.get("method") == "tools/list" for message in script.heard()))
        (process,) = script.processes()
        assert lives(process["started"])
    finally:
        us.kill()
        await us.wait()
    try:
        await until(lambda: not lives(process["started"]))
    except TimeoutError:
        os.kill(process["started"], signal.SIGKILL)
        raise
