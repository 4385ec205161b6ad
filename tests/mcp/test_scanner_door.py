"""The scanner in front of real HTTP: both corpora as requests, and what happens to who goes on."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from starlette.types import Receive, Scope, Send

from gatetrail.events.model import ToolCallDecided
from gatetrail.words import GateName, ReasonCode
from tests.gates.corpora import lines
from tests.mcp.conftest import POLICY, Gate, Site, make_gate, serve
from tests.mcp.servers import NAME, build
from tests.mcp.wire import ERAS, HANDSHAKE, MODERN

pytestmark = pytest.mark.anyio

PATIENCE_S = 10.0
NO_LOCKOUT = f"{POLICY}scanner: {{lockout: {{enabled: false}}}}\n"
QUICK = f"{POLICY}scanner: {{lockout: {{hits: 3, decay_s: 3600, duration_s: 3600}}}}\n"


async def fine(scope: Scope, receive: Receive, send: Send) -> None:
    """Says yes to everything that comes through."""
    if scope["type"] == "lifespan":
        await receive()
        await send({"type": "lifespan.startup.complete"})
        await receive()
        await send({"type": "lifespan.shutdown.complete"})
        return
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"0")]})
    await send({"type": "http.response.body", "body": b""})


class Raw:
    """One HTTP/1.1 connection that sends what it is told, without making it any nicer."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader, self._writer = reader, writer

    async def status(self, path: str, agent: str = "curl/8.5.0") -> int:
        """The status of the answer to a GET."""
        target = "".join(c if "!" <= c <= "~" else "".join(f"%{b:02x}" for b in c.encode()) for c in path)
        head = f"GET {target} HTTP/1.1\r\nHost: localhost\r\nUser-Agent: {agent}\r\n\r\n"
        self._writer.write(head.encode("latin-1", "replace"))
        async with asyncio.timeout(PATIENCE_S):
            answer = await self._reader.readuntil(b"\r\n\r\n")
            lengths = [line for line in answer.lower().split(b"\r\n") if line.startswith(b"content-length:")]
            await self._reader.readexactly(int(lengths[0].partition(b":")[2]))
        return int(answer.split(b" ")[1])


async def raw_to(site: Site) -> tuple[Raw, asyncio.StreamWriter]:
    address = urlsplit(site.url)
    reader, writer = await asyncio.open_connection(address.hostname, address.port)
    return Raw(reader, writer), writer


def on_the_wire(line: dict[str, Any]) -> tuple[str, str]:
    return line.get("path", "/mcp/finance"), line.get("user_agent", "curl/8.5.0")


@pytest.mark.requirement("B4", "B5")
async def test_normal_requests_come_through_one_after_the_other(tmp_path: Path) -> None:
    gate = make_gate(tmp_path / "spool")
    async with serve(gate.adapter.identity(fine)) as site:
        raw, writer = await raw_to(site)
        sent = [*lines("benign/paths"), *lines("benign/agents")]
        refused = [line for line in sent if await raw.status(*on_the_wire(line)) != 200]
        writer.close()
    assert refused == []
    assert gate.probes() == []


@pytest.mark.requirement("B4", "B5")
async def test_probes_do_not_and_each_is_an_event(tmp_path: Path) -> None:
    gate = make_gate(tmp_path / "spool", NO_LOCKOUT)
    sent = [*lines("probes/paths"), *lines("probes/agents")]
    async with serve(gate.adapter.identity(fine)) as site:
        raw, writer = await raw_to(site)
        passed = [line for line in sent if await raw.status(*on_the_wire(line)) == 200]
        writer.close()
    assert passed == []
    assert [event.reason_code for event in gate.probes()] == [line["reason_code"] for line in sent]


@pytest.mark.requirement("B5")
async def test_who_goes_on_probing_gets_429_and_floods_no_record(tmp_path: Path) -> None:
    gate = make_gate(tmp_path / "spool", QUICK)
    async with serve(gate.adapter.identity(fine)) as site:
        raw, writer = await raw_to(site)
        statuses = [await raw.status("/.env", f"agent-{number}") for number in range(40)]
        elsewhere = await raw.status("/mcp/finance")
        answer = await site.http.get(f"{site.url}/")
        other = await site.http.get(f"{site.url}/", headers={"authorization": f"Bearer {gate.token()}"})
        writer.close()
    assert statuses == [404] * 3 + [429] * 37
    assert elsewhere == 429
    wait_s = answer.headers["retry-after"]
    assert 3_500 < int(wait_s) <= 3_600
    assert (answer.status_code, answer.json()["error"]["message"]) == (
        429,
        f"too many probes; come back in {wait_s} s",
    )
    assert other.status_code == 200, "a proven user behind the same address is not meant"
    assert [event.reason_code for event in gate.probes()] == [ReasonCode.PROBE_PATH] * 3 + [ReasonCode.LOCKED_OUT]


@pytest.mark.requirement("B5")
async def test_a_proven_user_who_probes_is_locked_out_by_name(tmp_path: Path) -> None:
    gate = make_gate(tmp_path / "spool", QUICK)
    async with serve(gate.adapter.identity(fine)) as site:
        ann, bob = ({"authorization": f"Bearer {gate.token(user)}"} for user in ("ann", "bob"))
        statuses = [(await site.http.get(f"{site.url}/.git/config", headers=ann)).status_code for _ in range(4)]
        fresh = {"authorization": f"Bearer {gate.token('ann')}", "user-agent": "another"}
        kept_out = await site.http.get(f"{site.url}/", headers=fresh)
        others = [(await site.http.get(f"{site.url}/", headers=headers)).status_code for headers in (bob, {})]
    assert statuses == [404] * 3 + [429]
    assert kept_out.status_code == 429
    assert others == [200, 200]


@pytest.mark.requirement("B5")
async def test_who_has_to_sign_in_anew_hears_so_at_an_address_that_is_locked_out(tmp_path: Path) -> None:
    gate = make_gate(tmp_path / "spool", QUICK)
    async with serve(gate.adapter.identity(fine)) as site:
        for _ in range(3):
            await site.http.get(f"{site.url}/.env")
        forged = {"authorization": f"Bearer {gate.token()[:-4]}AAAA"}
        answers = [await site.http.get(f"{site.url}/", headers=forged) for _ in range(20)]
        anonymous = await site.http.get(f"{site.url}/")
        proven = await site.http.get(f"{site.url}/", headers={"authorization": f"Bearer {gate.token()}"})
    assert {answer.status_code for answer in answers} == {401}
    assert all(answer.headers["www-authenticate"].startswith("Bearer") for answer in answers)
    assert anonymous.status_code == 429
    assert proven.status_code == 200, "forged tokens of a user are not his"
    assert [event.reason_code for event in gate.probes()] == [ReasonCode.PROBE_PATH] * 3 + [ReasonCode.LOCKED_OUT]


@pytest.mark.requirement("B5", "B7")
@pytest.mark.parametrize("era", ERAS)
@pytest.mark.parametrize("kind", ["mcpserver", "lowlevel", "fastmcp"])
async def test_each_call_of_who_is_locked_out_is_a_decision(tmp_path: Path, kind: str, era: str) -> None:
    gate = make_gate(tmp_path / "spool", QUICK)
    sample = build(kind)
    gate.adapter.install(sample.server, name=NAME)
    async with serve(sample.app()) as site:
        wire = await site.opened(era, gate.token())
        errors = [(await wire.call("get_invoice", {"invoice_id": "' OR '1'='1"})).error for _ in range(5)]
        again = await site.opened(MODERN, gate.token())
        errors.append((await again.call("get_invoice", {"invoice_id": "17"})).error)
    assert [error["code"] for error in errors] == [40302] * 6
    assert "retry after" in errors[-1]["message"]
    assert 3_000_000 < errors[-1]["data"]["retry_after_ms"] <= 3_600_000
    assert sample.ran == []
    calls = [one for one in gate.decisions() if one.method == "tools/call"]
    assert [one.reason_code for one in calls] == [ReasonCode.PROBE_ARGUMENT] * 3 + [ReasonCode.LOCKED_OUT] * 3
    assert "OR" not in calls[0].reason


LOOKALIKES = (
    "GET_INVOICE",
    "Get_Invoice",
    "ｇｅｔ_invoice",
    "get_inv\u043eice",
    "get_invoice\u200b",
    "get_invoice ",
    "get-invoice",
)


@pytest.mark.requirement("B5", "B6")
@pytest.mark.parametrize("kind", ["mcpserver", "lowlevel", "fastmcp"])
async def test_a_name_that_is_not_exactly_a_tool_is_unknown_through_real_mcp(tmp_path: Path, kind: str) -> None:
    gate = make_gate(tmp_path / "spool", f"{POLICY}blocklist: [{{id: one, tools: [pay], reason: closed}}]\n")
    sample = build(kind)
    gate.adapter.install(sample.server, name=NAME)
    async with serve(sample.app()) as site:
        wire = await site.opened(HANDSHAKE, gate.token())
        answers = [(name, (await wire.call(name)).error) for name in (*LOOKALIKES, "PAY", "ｐａｙ", "рау")]
    assert [error["message"] for _, error in answers] == [f"Unknown tool: {name}" for name, _ in answers]
    assert {error["code"] for _, error in answers} == {-32602}
    assert sample.ran == []
    rows: list[ToolCallDecided] = gate.decisions()
    assert {(row.gate, row.decision) for row in rows if row.method == "tools/call"} == {(GateName.SCOPE, "deny")}


@pytest.mark.requirement("B5")
async def test_names_tried_through_real_mcp_are_a_scan(gate: Gate) -> None:
    sample = build("mcpserver")
    gate.adapter.install(sample.server, name=NAME)
    async with serve(sample.app()) as site:
        wire = await site.opened(MODERN, gate.token())
        codes = [(await wire.call(f"tool_{number}")).error["code"] for number in range(22)]
        fine_still = await wire.call("get_invoice", {"invoice_id": "17"})
    assert codes == [-32602] * 20 + [40302] * 2
    assert "result" in fine_still.message
