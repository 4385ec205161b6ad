"""`/v1/stats`, `/v1/policy` and `/v1/sinks`: what a dashboard shows."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from gatetrail.clock import rfc3339
from gatetrail.errors import DatabaseUnavailable, Unavailable
from gatetrail.events.stats import Window
from gatetrail.identity.tiers import Tier
from gatetrail.runtime.application import READER_CONNECTIONS
from gatetrail.service.api.sparing import AT_ONCE, CHEAP_S, Sparing
from gatetrail.testing import ManualClock
from gatetrail.words import ExecutionStatus
from tests.delivery.driving import until
from tests.samples import completed, decided
from tests.service.api.conftest import POLICY, Service, serving_api

pytestmark = [pytest.mark.anyio, pytest.mark.postgres]

LIMITED: dict[str, Any] = {"gate": "rate_limit", "reason_code": "rate_exceeded"}


async def stats(service: Service, headers: dict[str, str] | None = None, **params: Any) -> dict[str, Any]:
    answer = await service.get("/v1/stats", headers, **params)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


@pytest.fixture(scope="module", autouse=True)
async def recorded(service: Service) -> None:
    stamp, now_us = service.gate.stamp, service.gate.clock.now_us()
    for index in range(20):
        decision = decided(stamp, user_id="ann", tool_name="get_invoice" if index % 4 else "list_invoices")
        outcome = completed(stamp, decision).model_copy(update={"latency_ms": (index + 1) * 10})
        await service.record([decision, outcome])
    for wait_ms in (100, 900):
        await service.record([decided(stamp, denied=True, user_id="bob", retry_after_ms=wait_ms, **LIMITED)])
    failing = decided(stamp, user_id="bob")
    await service.record([failing, completed(stamp, failing, ExecutionStatus.FAILED)])
    await service.record([decided(stamp, denied=True, user_id=None)])
    await service.record([decided(stamp, user_id="bob", timestamp=rfc3339(now_us - 400_000_000))])


async def test_figures_for_who_sees_all(service: Service) -> None:
    found = await stats(service)
    assert found["reader"] == {"user_id": "ada", "tier": "user", "roles": ["auditor"], "sees_all": True}
    assert found["totals"] == {"allow": 22, "deny": 3, "pending": 1, "success": 20, "failed": 1, "timeout": 0}
    assert found["denials_by_gate"] == {"rate_limit": 2, "scope": 1}
    assert sum(bar["allow"] for bar in found["series"]) == 22
    assert sum(sum(bar["deny"].values()) for bar in found["series"]) == 3
    assert found["busiest_tools"] == [
        {"server_name": "finance", "tool_name": "get_invoice", "count": 20, "denied": 3},
        {"server_name": "finance", "tool_name": "list_invoices", "count": 5, "denied": 0},
    ]
    assert found["busiest_callers"] == [
        {"user_id": "ann", "caller_type": "user", "count": 20, "denied": 0},
        {"user_id": "bob", "caller_type": "user", "count": 4, "denied": 2},
        {"user_id": None, "caller_type": "user", "count": 1, "denied": 1},
    ]
    (limited,) = found["rate_limited_callers"]
    assert (limited["user_id"], limited["denials"], limited["longest_wait_ms"]) == ("bob", 2, 900)
    (pending,) = found["pending"]
    assert (pending["user_id"], pending["stuck"]) == ("bob", True)
    assert 400 <= pending["age_s"] < 460
    assert found["policy_version"] == service.gate.policy.version
    assert found["instance_id"] == service.gate.instance_id
    assert found["head_seq"] >= 48
    assert found["verification"] is None
    assert found["stream"] == {"connections": 0, "dropped": 0}


async def test_percentiles_are_right_to_one_in_a_hundred(service: Service) -> None:
    found = await stats(service, service.as_user("ann"))
    assert found["latency_ms"] == {
        "p50": pytest.approx(100, rel=0.011),
        "p95": pytest.approx(190, rel=0.011),
        "p99": pytest.approx(200, rel=0.011),
    }


async def test_figures_about_oneself_alone(service: Service) -> None:
    found = await stats(service, service.as_user("bob"))
    assert found["reader"]["sees_all"] is False
    assert found["totals"] == {"allow": 2, "deny": 2, "pending": 1, "success": 0, "failed": 1, "timeout": 0}
    assert [caller["user_id"] for caller in found["busiest_callers"]] == ["bob"]
    assert [call["user_id"] for call in found["pending"]] == ["bob"]
    assert found["stream"] == {"connections": 0, "dropped": None}
    nobody = await stats(service, service.as_user("eve"))
    assert nobody["totals"] == dict.fromkeys(found["totals"], 0)
    assert (nobody["latency_ms"], nobody["pending"]) == ({"p50": None, "p95": None, "p99": None}, [])


async def test_parts_of_the_time_keep_their_edges(service: Service) -> None:
    found = await stats(service, since="10m", buckets=5)
    assert found["bucket_s"] == 120
    assert found["series"][0]["start"] == found["since"]
    assert len(found["series"]) in {5, 6}
    assert all(int(bar["start"][14:16]) % 2 == 0 for bar in found["series"])
    assert found["since"] < found["until"]


def test_a_window_has_whole_parts() -> None:
    window = Window.over("2026-01-31T08:00:00.5Z", "2026-01-31T08:00:02.000000Z", 500)
    assert (window.since, window.bucket_s) == ("2026-01-31T08:00:00.000000Z", 1)
    assert window.starts() == ["2026-01-31T08:00:00.000000Z", "2026-01-31T08:00:01.000000Z"]


@pytest.mark.parametrize(("words", "status"), [({"since": "x"}, 400), ({"until": "2h"}, 400), ({"buckets": 0}, 422)])
async def test_mistakes_are_told(service: Service, words: dict[str, Any], status: int) -> None:
    answer = await service.get("/v1/stats", **words)
    assert (answer.status_code, answer.json()["status"]) == (status, status)


async def test_the_policy_is_told_whole(service: Service) -> None:
    found = (await service.get("/v1/policy")).json()
    policy = service.gate.policy
    assert found["version"] == policy.version
    assert found["source"] == "policy.yaml"
    assert found["document"] == policy.document.model_dump(mode="json")


async def test_sinks_that_run_and_those_that_never_did(dsn: str, tmp_path: Path) -> None:
    sinks = {
        "file": {"type": "file", "path": str(tmp_path / "events.jsonl")},
    }
    async with serving_api(dsn, tmp_path / "data", POLICY, sinks=sinks) as service:
        (never,) = (await service.get("/v1/sinks", service.as_user("root", Tier.ADMIN))).json()["sinks"]
    assert (never["sink_name"], never["health"], never["cursor_seq"], never["owned"]) == (
        "file",
        "unowned",
        None,
        False,
    )
    assert never["head_seq"] > 0


async def test_what_costs_much_is_asked_once_for_all() -> None:
    clock, asked = ManualClock(), 0
    sparing = Sparing[int](clock)

    async def ask(took_s: float) -> int:
        nonlocal asked
        asked += 1
        await asyncio.sleep(0)
        clock.advance(took_s)
        return asked

    assert await asyncio.gather(*(sparing.get("a", lambda: ask(1.0)) for _ in range(5))) == [1] * 5
    clock.advance(9)
    assert await sparing.get("a", lambda: ask(1.0)) == 1
    assert await sparing.get("b", lambda: ask(CHEAP_S)) == 2
    assert await sparing.get("b", lambda: ask(CHEAP_S)) == 3
    clock.advance(5)
    assert await sparing.get("a", lambda: ask(1.0)) == 4

    async def fail() -> int:
        raise DatabaseUnavailable("away")

    with pytest.raises(DatabaseUnavailable):
        await sparing.get("c", fail)
    assert await sparing.get("c", lambda: ask(0)) == 5


async def test_whoever_comes_while_it_is_asked_takes_what_is_found() -> None:
    sparing, asked, gate = Sparing[int](ManualClock()), 0, asyncio.Event()

    async def ask() -> int:
        nonlocal asked
        asked += 1
        await gate.wait()
        if asked == 2:
            raise DatabaseUnavailable("away")
        return asked

    for found in (1, 2, 3):
        gate.clear()
        waiting = [asyncio.create_task(sparing.get("a", ask)) for _ in range(100)]
        await asyncio.sleep(0)
        waiting[0].cancel()
        gate.set()
        answers = await asyncio.gather(*waiting[1:], return_exceptions=True)
        assert asked == found, "asked once, be it cheap or in vain"
        assert len({repr(answer) for answer in answers}) == 1
        assert isinstance(answers[0], DatabaseUnavailable if found == 2 else int)


async def test_who_asks_for_much_leaves_room_for_the_others(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gatetrail.service.api.sparing.TURN_WITHIN_S", 0.05)
    sparing, running, gate = Sparing[int](ManualClock()), 0, asyncio.Event()

    async def ask() -> int:
        nonlocal running
        running += 1
        await gate.wait()
        return 1

    waiting = [asyncio.create_task(sparing.get(key, ask)) for key in range(100)]
    await until(lambda: sum(task.done() for task in waiting) == 100 - AT_ONCE)
    assert running == AT_ONCE < READER_CONNECTIONS
    assert all(isinstance(task.exception(), Unavailable) for task in waiting if task.done())
    gate.set()
    assert await sparing.get("next", ask) == 1
