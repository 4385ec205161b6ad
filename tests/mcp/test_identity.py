"""The identity layer: tokens, forged headers, scanners and probes, over real HTTP."""

from __future__ import annotations

from pathlib import Path

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from gatetrail.words import GateName, ReasonCode
from tests.mcp.conftest import POLICY, Gate, Site, make_gate, serve
from tests.mcp.servers import NAME, Sample, build
from tests.mcp.wire import ERAS, HANDSHAKE, MODERN

pytestmark = pytest.mark.anyio
each_era = pytest.mark.parametrize("era", ERAS)


@each_era
@pytest.mark.requirement("A4", "C5")
async def test_a_bad_token_is_a_401_with_a_challenge_and_an_event(
    gate: Gate, sample: Sample, site: Site, era: str
) -> None:
    wire = site.client(era, gate.token() + "x")
    answer = await wire.call("get_invoice", {"number": 1})
    assert answer.status == 401
    challenge = answer.headers["www-authenticate"]
    assert challenge.startswith('Bearer realm="gatetrail", error="invalid_token", error_description="')
    assert answer.message["id"] is None
    assert answer.error["code"] == 40101
    (refusal,) = gate.refusals()
    assert (refusal.reason_code, refusal.auth_method) == ("signature_invalid", "bearer")
    assert (refusal.claimed_user_id, refusal.src_ip, refusal.endpoint) == ("ann", "127.0.0.1", "/mcp")
    assert sample.ran == []
    assert wire.token is not None
    assert all(wire.token not in entry.line.decode() for entry in await gate.journal.read(0, 100))


@pytest.mark.requirement("B4")
async def test_who_keeps_on_guessing_tokens_is_a_burst(tmp_path: Path) -> None:
    gate = make_gate(tmp_path, POLICY + "\nscanner: {anonymous_burst: {limit: 2, window_ms: 60000}}\n")
    sample = build("mcpserver")
    gate.adapter.install(sample.server, name=NAME)
    async with serve(sample.app()) as site:
        wire = site.client(MODERN, gate.token() + "x")
        statuses = [(await wire.call("get_invoice")).status for _ in range(4)]
    assert statuses == [401, 401, 429, 429]
    assert {event.reason_code for event in gate.probes()} == {ReasonCode.BURST}


@pytest.mark.requirement("A4")
async def test_two_tokens_are_no_token(gate: Gate, site: Site) -> None:
    wire = site.client(MODERN)
    token = gate.token()
    twice = [("authorization", f"Bearer {token}"), ("authorization", f"Bearer {token}")]
    response = await wire.http.post(wire.url, json={}, headers=twice)
    assert response.status_code == 401


@pytest.mark.requirement("A4")
async def test_without_a_token_the_caller_is_anonymous(gate: Gate, sample: Sample, site: Site) -> None:
    for era in ERAS:
        wire = await site.opened(era)
        assert (await wire.call("get_invoice", {"number": 1})).error["code"] == -32602
    assert {row.actual_tier for row in gate.decisions()} == {"anonymous"}
    assert sample.ran == []


@pytest.mark.requirement("A4")
async def test_where_nobody_may_be_anonymous_the_challenge_names_no_error(tmp_path: Path) -> None:
    gate = make_gate(tmp_path, POLICY + "\nidentity: {anonymous: false}\n")
    sample = build("mcpserver")
    gate.adapter.install(sample.server, name=NAME)
    async with serve(sample.app()) as site:
        answer = await site.client(MODERN).call("get_invoice")
    assert answer.status == 401
    assert answer.headers["www-authenticate"] == 'Bearer realm="gatetrail"'
    assert [event.reason_code for event in gate.refusals()] == ["token_missing"]


@pytest.mark.requirement("C4")
async def test_forged_identity_headers_are_stripped_and_reported(gate: Gate) -> None:
    async def show(request: Request) -> JSONResponse:
        return JSONResponse(sorted(request.headers.keys()))

    app = gate.adapter.identity(Starlette(routes=[Route("/headers", show)]))
    async with serve(app) as site:
        forged = {"X-Proxy-Verified": "true", "X-User-Id": "root", "x-user-permissions": "admin", "x-other": "1"}
        shown = (await site.http.get(f"{site.url}/headers", headers=forged)).json()
    assert "x-other" in shown
    assert not {"x-proxy-verified", "x-user-id", "x-user-permissions"} & set(shown)
    (refusal,) = gate.refusals()
    assert (refusal.reason_code, refusal.auth_method) == ("identity_headers_forged", "proxy")
    assert refusal.reason == "identity headers were stripped: x-proxy-verified, x-user-id, x-user-permissions"


@each_era
@pytest.mark.requirement("C4")
async def test_a_forged_header_gives_no_tier(gate: Gate, sample: Sample, site: Site, era: str) -> None:
    wire = await site.opened(era)
    wire.headers = {"x-proxy-verified": "true", "x-user-id": "root", "x-user-permissions": "admin"}
    assert (await wire.call("pay")).error["code"] == -32602
    assert gate.decisions()[-1].actual_tier == "anonymous"
    assert sample.ran == []


@pytest.mark.requirement("B4", "B5")
@pytest.mark.parametrize("path", ["/.env", "/%2e%2e/.git/config", "/wp-login.php"])
async def test_a_probe_is_a_plain_404_and_an_event_and_reaches_nothing(gate: Gate, path: str) -> None:
    reached: list[str] = []

    async def reach(request: Request) -> JSONResponse:
        reached.append(request.url.path)
        return JSONResponse({})

    app = gate.adapter.identity(Starlette(routes=[Route("/{path:path}", reach)]))
    async with serve(app) as site:
        answer = await site.http.get(f"{site.url}{path}")
    assert (answer.status_code, answer.text) == (404, "Not Found")
    assert reached == []
    (event,) = gate.probes()
    assert (event.reason_code, event.method, event.src_ip) == (ReasonCode.PROBE_PATH, "GET", "127.0.0.1")


@pytest.mark.requirement("B4")
async def test_a_scanners_request_that_is_no_call_is_a_403(gate: Gate, site: Site) -> None:
    answer = await site.http.get(f"{site.url}/mcp", headers={"user-agent": "sqlmap/1.8"})
    assert (answer.status_code, answer.text) == (403, "Forbidden")
    (event,) = gate.probes()
    assert (event.reason_code, event.http_user_agent) == (ReasonCode.SCANNER_AGENT, "sqlmap/1.8")


@pytest.mark.requirement("B4", "D4")
async def test_a_scanners_tool_call_has_its_row(gate: Gate, sample: Sample, site: Site) -> None:
    wire = site.client(MODERN, gate.token())
    wire.headers = {"user-agent": "sqlmap/1.8"}
    answer = await wire.call("get_invoice", {"number": 1})
    assert answer.error["code"] == 40302
    (decision,) = gate.decisions()
    assert (decision.gate, decision.reason_code) == (GateName.SCANNER, ReasonCode.SCANNER_AGENT)
    assert sample.ran == []


@pytest.mark.requirement("B4")
async def test_a_scanner_gets_no_session(gate: Gate, sample: Sample, site: Site) -> None:
    wire = site.client(HANDSHAKE, gate.token())
    wire.headers = {"user-agent": "sqlmap/1.8"}
    answer = await wire.open()
    assert answer is not None
    assert answer.error["code"] == 40302
    assert (await wire.call("get_invoice")).message.get("result") is None
    assert sample.ran == []


@pytest.mark.requirement("A7")
@pytest.mark.parametrize("kind", ["mcpserver", "lowlevel"])
async def test_two_lines_are_enough(gate: Gate, kind: str) -> None:
    sample = build(kind)
    gate.adapter.install(sample.server, name=NAME)
    async with serve(sample.server.streamable_http_app()) as site:
        for era in ERAS:
            wire = await site.opened(era, gate.token())
            assert (await wire.call("get_invoice", {"number": 1})).result
            assert (await wire.call("pay")).error["code"] == -32602
    assert sample.ran == ["get_invoice", "get_invoice"]


@pytest.mark.requirement("A5")
async def test_the_trace_comes_from_meta_before_the_header_before_chance(gate: Gate, site: Site) -> None:
    wire = site.client(MODERN, gate.token())
    from_meta, from_header = f"00-{'a' * 32}-{'b' * 16}-01", f"00-{'c' * 32}-{'d' * 16}-01"
    asked = {"name": "get_invoice", "arguments": {"number": 1}}
    meta = {"traceparent": from_meta, "gatetrail.dev/contextId": "thread-9"}
    await wire.ask("tools/call", {**asked, "_meta": meta}, traceparent=from_header)
    await wire.ask("tools/call", asked, traceparent=from_header)
    await wire.ask("tools/call", asked, traceparent="00-nonsense-01")
    first, second, third = gate.decisions()
    assert (first.trace_id, first.span_id, first.context_id) == ("a" * 32, "b" * 16, "thread-9")
    assert (second.trace_id, second.span_id, second.context_id) == ("c" * 32, "d" * 16, None)
    assert third.trace_id
    assert len(third.trace_id) == 32
    assert third.span_id is None
