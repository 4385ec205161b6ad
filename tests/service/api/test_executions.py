"""`/v1/executions`: decided calls and how they ended."""

from __future__ import annotations

from typing import Any

import pytest

from gatetrail.clock import rfc3339
from gatetrail.events.fields import Record
from gatetrail.words import ExecutionStatus
from tests.samples import completed, decided
from tests.service.api.conftest import Service

pytestmark = [pytest.mark.anyio, pytest.mark.postgres]

ENDINGS = (ExecutionStatus.SUCCESS, ExecutionStatus.FAILED, ExecutionStatus.TIMEOUT)


@pytest.fixture(scope="module")
async def recorded(service: Service) -> list[str]:
    """Ids in the order of decisions: denied, pending, and every ending, twelve times over."""
    stamp, ids = service.gate.stamp, list[str]()
    for index in range(60):
        kind = index % 5
        decision = decided(stamp, denied=kind == 0, user_id="ann" if index % 2 else "bob")
        ids.append(decision.execution_id)
        events: list[Record] = [decision]
        if kind >= 2:
            events.append(completed(stamp, decision, ENDINGS[kind - 2]))
        for event in events:
            await service.gate.journal.append(event)
    return ids


async def page(service: Service, **params: Any) -> dict[str, Any]:
    answer = await service.get("/v1/executions", **params)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def ids_in(found: dict[str, Any]) -> list[str]:
    return [execution["execution_id"] for execution in found["executions"]]


async def test_each_decision_has_one_row(service: Service, recorded: list[str]) -> None:
    found = await page(service, limit=1000)
    assert ids_in(found) == recorded
    assert found["next_before"] is None
    denied, pending, success, failed, timeout = found["executions"][:5]
    assert (denied["status"], denied["gate"], denied["outcome_seq"]) == ("denied", "scope", None)
    assert (pending["status"], pending["finished_at"], pending["latency_ms"]) == ("pending", None, None)
    assert (success["status"], success["latency_ms"], success["error_class"]) == ("success", 1.5, None)
    assert (failed["status"], failed["error_class"]) == ("failed", "time_limit")
    assert timeout["status"] == "timeout"
    assert success["outcome_seq"] == success["decided_seq"] + 1
    assert success["started_at"].endswith("Z")


@pytest.mark.parametrize("words", [{}, {"user": "bob"}, *({"status": str(status)} for status in ExecutionStatus)])
@pytest.mark.parametrize("limit", [1, 5])
async def test_both_ways_everything_comes_once(
    service: Service, recorded: list[str], words: dict[str, Any], limit: int
) -> None:
    wanted = ids_in(await page(service, limit=1000, **words))
    assert len(wanted) in {12, 30, 60}
    forwards, after = list[str](), 0
    for _ in range(len(recorded) + 1):
        found = await page(service, limit=limit, after=after, **words)
        if not found["executions"]:
            break
        forwards, after = [*forwards, *ids_in(found)], found["next_after"]
    found = await page(service, limit=limit, **words)
    backwards = ids_in(found)
    while found["next_before"] is not None:
        found = await page(service, limit=limit, before=found["next_before"], **words)
        backwards = [*ids_in(found), *backwards]
    assert forwards == backwards == wanted


async def test_stuck_are_those_that_have_been_pending_for_long(service: Service, recorded: list[str]) -> None:
    long_ago = rfc3339(service.gate.clock.now_us() - 301_000_000)
    old = decided(service.gate.stamp, timestamp=long_ago, user_id="sam")
    await service.record([old])
    assert ids_in(await page(service, stuck=True)) == [old.execution_id]
    assert ids_in(await page(service, stuck=True, status="pending")) == [old.execution_id]
    assert ids_in(await page(service, stuck=True, user="ann")) == []
    assert len(ids_in(await page(service, status="pending", user="ann"))) + len(recorded) // 10 == len(recorded) // 5
    mistake = await service.get("/v1/executions", stuck=True, status="failed")
    assert (mistake.status_code, mistake.json()["code"]) == (400, "wrong_use")


async def test_words_of_events_alone_are_no_words_here(service: Service) -> None:
    assert (await service.get("/v1/executions", event="audit.*")).status_code == 422
    assert (await service.get("/v1/executions", decision="deny")).status_code == 422


async def test_times_bound_the_list(service: Service, recorded: list[str]) -> None:
    rows = (await page(service, limit=1000, user="ann"))["executions"]
    middle = rows[len(rows) // 2]
    later = await page(service, since=middle["started_at"], user="ann")
    earlier = await page(service, until=middle["started_at"], user="ann")
    assert ids_in(earlier) + ids_in(later) == [row["execution_id"] for row in rows]
    assert middle["execution_id"] in recorded
