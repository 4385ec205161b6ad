"""`/v1/decisions/{id}`: one decision, explained over HTTP."""

from __future__ import annotations

import pytest

from gatetrail.identity.tiers import Tier
from tests.samples import completed, decided
from tests.service.api.conftest import Service

pytestmark = [pytest.mark.anyio, pytest.mark.postgres, pytest.mark.requirement("D8")]

UNKNOWN_ID = "01999999-9999-7999-8999-999999999999"


async def test_a_decision_with_its_outcome_and_its_trace(service: Service) -> None:
    trace_id = "0123456789abcdef" * 2
    allowed = decided(service.gate.stamp, trace_id=trace_id)
    other = decided(service.gate.stamp, denied=True, trace_id=trace_id, user_id="bob")
    entries = await service.record([allowed, completed(service.gate.stamp, allowed), other])
    answer = await service.get(f"/v1/decisions/{allowed.execution_id}")
    assert answer.status_code == 200
    found = answer.json()
    assert (found["decision_id"], found["decision"], found["gate"]) == (allowed.execution_id, "allow", "none")
    assert found["gates"] == dict.fromkeys(("scope", "scanner", "blocklist", "rate_limit"), "pass")
    assert (found["execution_status"], found["latency_ms"], found["would_have_passed"]) == ("success", 1.5, None)
    assert [event["event_name"] for event in found["events"]] == ["tool_call.decided", "tool_call.completed"]
    assert b'"trace":[%b]' % b",".join(entry.line for entry in entries) in answer.content
    own = (await service.get(f"/v1/decisions/{allowed.execution_id}", service.as_user("ann"))).json()
    assert [event["user_id"] for event in own["trace"]] == ["ann", "ann"]


async def test_a_denial_tells_what_would_have_passed(service: Service) -> None:
    denial = decided(service.gate.stamp, denied=True)
    await service.record([denial])
    for identifier in (denial.execution_id, denial.event_id, denial.execution_id.upper()):
        found = (await service.get(f"/v1/decisions/{identifier}", service.as_auditor())).json()
        assert found["would_have_passed"].startswith("a caller with tier admin or higher")
        assert (found["required_tier"], found["actual_tier"]) == ("admin", "user")


async def test_others_decisions_answer_like_none(service: Service) -> None:
    of_ann, of_nobody = decided(service.gate.stamp), decided(service.gate.stamp, user_id=None)
    await service.record([of_ann, of_nobody])
    answers = [
        await service.get(f"/v1/decisions/{identifier}", service.as_user("bob"))
        for identifier in (of_ann.execution_id, of_nobody.execution_id, UNKNOWN_ID)
    ]
    assert {answer.status_code for answer in answers} == {404}
    assert len({answer.text.replace(answer.url.path[-36:], "") for answer in answers}) == 1
    assert {answer.json()["code"] for answer in answers} == {"not_found"}
    for headers in (service.as_auditor(), service.as_user("root", Tier.ADMIN)):
        assert (await service.get(f"/v1/decisions/{of_nobody.execution_id}", headers)).status_code == 200


@pytest.mark.parametrize("text", ["1", "x" * 36, "9b2b1c1e-0f7e-4d5a-8b56-0a6f3c2d1e00", "%00", "%F0%9F%99%82"])
async def test_what_is_no_id_is_told(service: Service, text: str) -> None:
    answer = await service.get(f"/v1/decisions/{text}")
    assert (answer.status_code, answer.json()["code"]) == (400, "wrong_use")
    assert "is no decision id; expected 36 characters" in answer.json()["detail"]
