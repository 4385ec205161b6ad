"""Sessions of the handshake era go on in other processes: for whom they belong to, and for nobody else."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from gatetrail.events.model import SessionEnded
from gatetrail.identity.tiers import Tier
from gatetrail.sessions import Handshake
from gatetrail.testing import MemorySessions
from gatetrail.words import ReasonCode
from tests.mcp.conftest import POLICY
from tests.mcp.processes import Process, process
from tests.mcp.servers import NAME
from tests.mcp.wire import HANDSHAKE

pytestmark = [pytest.mark.anyio, pytest.mark.requirement("B3", "A6")]

KINDS = ("mcpserver", "lowlevel", "fastmcp")
NOBODY = f"identity: {{anonymous: false}}\n{POLICY}"
ANYBODY = f"identity: {{anonymous: true}}\n{POLICY}"


@pytest.fixture
def store() -> MemorySessions:
    return MemorySessions()


@pytest.fixture
async def first(tmp_path: Path, store: MemorySessions) -> AsyncIterator[Process]:
    async with process(tmp_path / "1", store) as one:
        yield one


@pytest.fixture
async def second(tmp_path: Path, store: MemorySessions) -> AsyncIterator[Process]:
    async with process(tmp_path / "2", store) as one:
        yield one


@pytest.mark.parametrize("kind", KINDS)
async def test_a_session_goes_on_where_it_was_never_seen_with_its_tier(
    tmp_path: Path, store: MemorySessions, kind: str
) -> None:
    async with process(tmp_path / "1", store, kind) as one:
        wire = await one.site.opened(HANDSHAKE, one.gate.token("ann", Tier.USER))
        session_id = wire.session_id
        assert (await wire.call("get_invoice", {"number": 1})).result
    async with process(tmp_path / "2", store, kind) as other:
        other.takes(wire)
        assert (await wire.call("get_invoice", {"number": 2})).result
        assert (await wire.ask("tools/list")).result["tools"]
        wire.token = other.gate.token("ann", Tier.ADMIN)
        assert (await wire.call("pay", {"amount": 1})).error["data"]["reason_code"] == "session_tier_too_low"
        assert wire.session_id == session_id
        assert other.resumed() == [session_id], "taken up once, and recorded by who took it up"
        assert other.gate.decisions()[0].client_id == "wire", "what the client calls itself came along"
        assert other.sample.ran == ["get_invoice"]


async def test_a_stolen_session_is_no_session_also_where_it_was_never_seen(first: Process, second: Process) -> None:
    wire = await first.site.opened(HANDSHAKE, first.gate.token("ann"))
    thief = second.site.client(HANDSHAKE, second.gate.token("mallory"))
    thief.session_id = "0" * 32
    unknown = await thief.call("get_invoice", {"number": 1})
    thief.session_id = wire.session_id
    stolen = await thief.call("get_invoice", {"number": 1})
    assert (stolen.status, stolen.body) == (unknown.status, unknown.body)
    assert stolen.status == 404
    (decision,), (refusal,) = second.gate.decisions(), second.gate.refusals()
    assert (decision.reason_code, decision.session_id) == (ReasonCode.SESSION_OF_ANOTHER_USER, wire.session_id)
    assert (refusal.reason_code, refusal.claimed_user_id) == ("session_of_another_user", "mallory")
    assert second.sample.ran == []
    assert second.resumed() == []
    assert (await second.takes(wire).call("get_invoice", {"number": 1})).result, "it is ann's as before"


async def test_a_session_id_without_a_token_opens_nothing(tmp_path: Path, store: MemorySessions) -> None:
    async with (
        process(tmp_path / "1", store, policy=ANYBODY) as one,
        process(tmp_path / "2", store, policy=ANYBODY) as two,
    ):
        wire = await one.site.opened(HANDSHAKE, one.gate.token("ann"))
        for here in (one, two):
            bare = here.site.client(HANDSHAKE)
            bare.session_id = wire.session_id
            assert (await bare.call("get_invoice", {"number": 1})).status == 404
            (refusal,) = here.gate.refusals()
            assert (refusal.reason_code, refusal.session_id) == ("session_of_another_user", wire.session_id)
            assert here.gate.decisions()[-1].decision == "deny"
            assert here.sample.ran == []


async def test_who_has_a_name_takes_over_no_session_of_those_who_have_none(
    tmp_path: Path, store: MemorySessions
) -> None:
    async with (
        process(tmp_path / "1", store, policy=ANYBODY) as one,
        process(tmp_path / "2", store, policy=ANYBODY) as two,
    ):
        wire = await one.site.opened(HANDSHAKE)
        for here in (one, two):
            here.takes(wire).token = here.gate.token("ann")
            assert (await wire.call("get_invoice", {"number": 1})).status == 404
            assert here.gate.refusals()[-1].reason_code == "session_of_another_user"
            assert here.sample.ran == []


async def test_a_session_id_without_a_token_is_refused_and_reported_where_a_token_is_required(
    tmp_path: Path, store: MemorySessions, first: Process
) -> None:
    wire = await first.site.opened(HANDSHAKE, first.gate.token("ann"))
    async with process(tmp_path / "2", store, policy=NOBODY) as strict:
        bare = strict.site.client(HANDSHAKE)
        bare.session_id = wire.session_id
        assert (await bare.call("get_invoice", {"number": 1})).status == 401
        (refusal,) = strict.gate.refusals()
        assert (refusal.reason_code, refusal.session_id) == ("token_missing", wire.session_id)


async def test_who_has_moved_to_another_department_cannot_go_on_in_a_session_of_the_old_one(
    first: Process, second: Process
) -> None:
    wire = await first.site.opened(HANDSHAKE, first.gate.token("ann", department="finance"))
    for here in (first, second):
        for department in ("sales", None):
            here.takes(wire).token = here.gate.token("ann", department=department)
            hop = await wire.call("get_invoice", {"number": 1})
            assert hop.status == 404
            assert "another department" in hop.error["message"]
            assert here.gate.refusals()[-1].reason_code == "session_of_another_department"
            assert here.gate.decisions()[-1].decision == "deny"
        assert here.sample.ran == []
    wire.token = second.gate.token("ann", department="finance")
    assert (await wire.call("get_invoice", {"number": 1})).result


async def test_another_client_program_of_the_same_user_cannot_use_the_session(first: Process, second: Process) -> None:
    wire = await first.site.opened(HANDSHAKE, first.gate.token("ann", client_id="agent"))
    for here in (first, second):
        here.takes(wire).token = here.gate.token("ann", client_id="other")
        assert (await wire.call("get_invoice", {"number": 1})).status == 404
        assert here.gate.refusals()[-1].reason_code == "session_of_another_client"
        assert here.sample.ran == []


async def test_a_deleted_session_is_over_everywhere(first: Process, second: Process) -> None:
    wire = await first.site.opened(HANDSHAKE, first.gate.token("ann"))
    headers = {"authorization": f"Bearer {wire.token}", "mcp-session-id": str(wire.session_id)}
    assert (await first.site.http.delete(wire.url, headers=headers)).status_code == 200
    (ended,) = [event for event in first.gate.events() if isinstance(event, SessionEnded)]
    assert (ended.session_id, ended.user_id, ended.reason) == (wire.session_id, "ann", "the client ended it")
    for here in (first, second):
        answer = await here.takes(wire).call("get_invoice", {"number": 1})
        assert answer.status == 404
        assert "has ended" in answer.error["message"]
        assert here.gate.refusals()[-1].reason_code == "session_ended"
        thief = here.site.client(HANDSHAKE, here.gate.token("mallory"))
        thief.session_id = wire.session_id
        assert (await thief.call("get_invoice", {"number": 1})).error["message"] == "Session not found"
        assert here.sample.ran == []
        assert here.held() == 0


async def test_a_session_can_be_deleted_where_it_was_never_seen(first: Process, second: Process) -> None:
    wire = await first.site.opened(HANDSHAKE, first.gate.token("ann"))
    headers = {"authorization": f"Bearer {wire.token}", "mcp-session-id": str(wire.session_id)}
    assert (await second.site.http.delete(f"{second.site.url}/mcp", headers=headers)).status_code == 200
    session = await first.gate.sessions.find(str(wire.session_id))
    assert session is not None
    assert session.ended_because == "the client ended it"


async def test_a_session_that_cannot_be_ended_durably_is_not_over(first: Process, store: MemorySessions) -> None:
    wire = await first.site.opened(HANDSHAKE, first.gate.token("ann"))
    headers = {"authorization": f"Bearer {wire.token}", "mcp-session-id": str(wire.session_id)}
    store.away = True
    assert (await first.site.http.delete(wire.url, headers=headers)).status_code == 503
    store.away = False
    assert (await wire.call("get_invoice", {"number": 1})).result


async def test_while_the_store_is_away_a_session_that_was_not_seen_is_neither_opened_nor_denied(
    first: Process, second: Process, store: MemorySessions
) -> None:
    wire = await first.site.opened(HANDSHAKE, first.gate.token("ann"))
    store.away = True
    assert (await second.takes(wire).call("get_invoice", {"number": 1})).status == 503
    store.away = False
    assert (await wire.call("get_invoice", {"number": 1})).result


async def test_a_session_of_one_server_opens_no_other(tmp_path: Path, store: MemorySessions, first: Process) -> None:
    policy = POLICY.replace("finance:", "payroll:")
    async with process(tmp_path / "2", store, policy=policy, name="payroll") as other:
        wire = await first.site.opened(HANDSHAKE, first.gate.token("ann"))
        assert (await other.takes(wire).call("get_invoice", {"number": 1})).status == 404
        assert other.sample.ran == []


async def test_two_session_ids_in_one_request_are_refused(first: Process, second: Process) -> None:
    wires = [await one.site.opened(HANDSHAKE, one.gate.token("ann")) for one in (first, second)]
    ids = [("mcp-session-id", str(wire.session_id)) for wire in wires]
    message: dict[str, Any] = {
        "jsonrpc": "2.0",
        "id": 1,
        "method": "tools/call",
        "params": {"name": "get_invoice", "arguments": {}},
    }
    head = [("authorization", f"Bearer {wires[0].token}"), ("accept", "application/json, text/event-stream"), *ids]
    answer = await first.site.http.post(wires[0].url, json=message, headers=head)
    assert answer.status_code == 400
    assert first.sample.ran == []


async def test_what_a_client_says_of_itself_is_kept_without_secrets(first: Process) -> None:
    token = first.gate.token("ann")
    wire = first.site.client(HANDSHAKE, token)
    info = {"name": "AKIAIOSFODNN7EXAMPLE", "version": "1\0"}
    params = {
        "protocolVersion": HANDSHAKE,
        "capabilities": {"experimental": {"x": {"k": "y" * 50_000}}},
        "clientInfo": info,
    }
    answer = await wire.post({"jsonrpc": "2.0", "id": 0, "method": "initialize", "params": params})
    session = await first.gate.sessions.find(answer.headers["mcp-session-id"])
    assert session is not None
    assert session.handshake is not None
    assert "AKIA" not in session.handshake.initialize
    assert len(session.handshake.initialize) < 20_000
    assert "\\u0000" not in session.handshake.initialize


@pytest.mark.parametrize(
    ("more", "info"),
    [
        ({"experimental": {"x": {"number": 10**30}}}, {"name": "n\0", "version": "1"}),
        ({}, {"name": "n" * 100_000, "version": "1" * 100_000, "description": "d" * 100_000}),
        ({"experimental": {"x": {"deep": [[[[[[[0]]]]]]]}}}, {"name": "AKIAIOSFODNN7EXAMPLE", "version": ""}),
    ],
)
async def test_whatever_a_client_says_of_itself_its_session_goes_on(
    first: Process, second: Process, more: dict[str, Any], info: dict[str, str]
) -> None:
    wire = first.site.client(HANDSHAKE, first.gate.token("ann"))
    params = {"protocolVersion": HANDSHAKE, "capabilities": more, "clientInfo": info}
    answer = await wire.post({"jsonrpc": "2.0", "id": 0, "method": "initialize", "params": params})
    wire.session_id = answer.headers["mcp-session-id"]
    assert (await second.takes(wire).call("get_invoice", {"number": 1})).result
    session = await first.gate.sessions.find(str(wire.session_id))
    assert session is not None
    assert session.handshake is not None
    assert len(session.handshake.initialize) + len(session.handshake.client_name or "") < 20_000


@pytest.mark.parametrize("initialize", ["{}", "null", "no JSON", '{"capabilities": []}'])
async def test_a_session_whose_handshake_is_none_is_no_session(
    first: Process, second: Process, store: MemorySessions, initialize: str
) -> None:
    wire = await first.site.opened(HANDSHAKE, first.gate.token("ann"))
    await store.shake_hands(str(wire.session_id), Handshake(NAME, HANDSHAKE, initialize))
    second.takes(wire)
    for _ in range(2):
        assert (await wire.ask("ping")).status == 404
        assert second.held() == 0
