"""A tool call over real HTTP, in both eras, on all three kinds of servers."""

from __future__ import annotations

import pytest

from gatetrail.identity.tiers import Tier
from gatetrail.words import ExecutionStatus, GateName, ReasonCode
from tests.mcp.conftest import Gate, Site
from tests.mcp.servers import Sample
from tests.mcp.wire import ERAS

pytestmark = pytest.mark.anyio
each_era = pytest.mark.parametrize("era", ERAS)


@each_era
@pytest.mark.requirement("A1", "A2", "A5", "A7", "D3", "D4")
async def test_an_allowed_call_leaves_its_decision_and_its_outcome(
    gate: Gate, sample: Sample, site: Site, era: str
) -> None:
    wire = await site.opened(era, gate.token("ann", department="finance"))
    answer = await wire.call("get_invoice", {"number": 4})
    assert "get_invoice" in answer.result["content"][0]["text"]
    assert sample.ran == ["get_invoice"]
    (decision,), (outcome,) = gate.decisions(), gate.outcomes()
    assert decision.decision == "allow"
    assert (decision.user_id, decision.server_name, decision.tool_name) == ("ann", "finance", "get_invoice")
    assert (decision.client_id, decision.department, decision.src_ip) == ("wire", "finance", "127.0.0.1")
    assert decision.session_id == (wire.session_id or decision.session_id)
    assert decision.session_id
    assert decision.call_id == "7"
    assert outcome.execution_id == decision.execution_id
    assert outcome.execution_status is ExecutionStatus.SUCCESS


@each_era
@pytest.mark.requirement("B2", "D1", "D4")
async def test_a_denied_call_never_reaches_its_handler(gate: Gate, sample: Sample, site: Site, era: str) -> None:
    wire = await site.opened(era, gate.token())
    await wire.call("pay", {"amount": 1})
    assert sample.ran == []
    (decision,) = gate.decisions()
    assert (decision.decision, decision.gate) == ("deny", GateName.SCOPE)
    assert decision.reason_code is ReasonCode.TIER_TOO_LOW
    assert (decision.required_tier, decision.actual_tier) == ("admin", "user")
    assert decision.execution_status is ExecutionStatus.DENIED
    assert gate.outcomes() == []


@each_era
@pytest.mark.requirement("C2")
async def test_hidden_and_unknown_tools_answer_byte_for_byte_the_same(
    gate: Gate, sample: Sample, site: Site, era: str
) -> None:
    wire = await site.opened(era, gate.token())
    hidden = await wire.call("pay", {"amount": 1})
    unknown = await wire.call("bay", {"amount": 1})
    assert hidden.error == {"code": -32602, "message": "Unknown tool: pay"}
    status, headers, body = unknown.comparable()
    assert hidden.comparable() == (status, headers, body.replace(b"bay", b"pay"))
    assert [(row.tool_name, row.reason_code) for row in gate.decisions()] == [
        ("pay", ReasonCode.TIER_TOO_LOW),
        ("bay", ReasonCode.UNKNOWN_TOOL),
    ]
    assert sample.ran == []


@each_era
@pytest.mark.requirement("C2")
async def test_tools_list_shows_each_caller_what_it_may_call(gate: Gate, sample: Sample, site: Site, era: str) -> None:
    shown: dict[Tier, list[str]] = {}
    for tier in (Tier.ADMIN, Tier.USER, Tier.SERVICE):
        wire = await site.opened(era, gate.token(tier.value, tier))
        answer = await wire.ask("tools/list")
        shown[tier] = [tool["name"] for tool in answer.result["tools"]]
    assert "pay" in shown[Tier.ADMIN]
    assert shown[Tier.USER] == [name for name in shown[Tier.ADMIN] if name != "pay"]
    assert shown[Tier.SERVICE] == []
    assert sample.ran == []


@each_era
@pytest.mark.requirement("D3")
@pytest.mark.parametrize(
    ("tool", "status", "error_class"),
    [
        ("stuck", ExecutionStatus.TIMEOUT, "time_limit"),
        ("blocks", ExecutionStatus.TIMEOUT, "time_limit"),
        ("crashes", ExecutionStatus.FAILED, None),
        ("complains", ExecutionStatus.FAILED, "tool_error"),
    ],
)
async def test_a_call_that_does_not_succeed_says_how_it_ended(
    gate: Gate, sample: Sample, site: Site, era: str, tool: str, status: ExecutionStatus, error_class: str | None
) -> None:
    wire = await site.opened(era, gate.token())
    answer = await wire.call(tool)
    assert sample.ran == [tool]
    (outcome,) = gate.outcomes()
    assert outcome.execution_status is status
    assert error_class in {None, outcome.error_class}
    assert outcome.error_class
    if status is ExecutionStatus.TIMEOUT:
        assert answer.error["code"] == 40801
        assert f"ran into its time limit of {answer.error['data']['limit_ms']} ms" in answer.error["message"]
        assert answer.error["data"]["decision_id"] == outcome.execution_id
    assert b"secret detail" not in answer.body or sample.kind != "mcpserver"
