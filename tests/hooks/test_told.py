"""Hooks that are told of what has happened: never in anybody's way, and honest about what they lose."""

from __future__ import annotations

import threading
import time
from http.server import BaseHTTPRequestHandler

import anyio
import pytest

from gatetrail.call import Call, Ids
from gatetrail.errors import CallDenied
from gatetrail.hooks import Facts
from gatetrail.hooks import telling as telling_module
from gatetrail.policy.hooks import HookMoment
from gatetrail.policy.load import parse_policy
from tests.hooks.conftest import ANN, OpenHouse, pay, policy_of
from tests.hooks.outside import Heard, Programs, Receiver, reply

pytestmark = [pytest.mark.anyio, pytest.mark.postgres, pytest.mark.requirement("D5")]

BLOCK = "blocklist: [{id: no, tools: [burn], reason: never}]"


async def test_each_end_of_a_call_reaches_the_hooks_that_are_for_it(open_house: OpenHouse, receiver: Receiver) -> None:
    webhook = {"webhook": {"url": receiver.url}}
    hooks = (
        {"id": "well", "event": "post_tool_use", "arguments": "redacted", **webhook},
        {"id": "badly", "event": "post_tool_use_failure", **webhook},
        {
            "id": "denied",
            "event": "post_tool_use_failure",
            "match": {"decisions": ["deny"], "gates": ["blocklist"]},
            **webhook,
        },
        {
            "id": "scoped",
            "event": "post_tool_use_failure",
            "match": {"decisions": ["deny"], "gates": ["scope"]},
            **webhook,
        },
    )
    async with open_house(*hooks, more=f"redaction: {{preview_bytes: 500}}\n{BLOCK}") as house:
        assert await house.called(pay(amount=7)) is None
        with pytest.raises(KeyError):
            async with house.gate.guard(pay(), ANN):
                raise KeyError
        assert await house.called(Call("finance", "burn", Ids("a" * 32))) is not None
        ran = await house.waits_for("hook.ran", 3)
        completed = await house.events("tool_call.completed")
    told = {heard.told["hook_id"]: heard.told for heard in receiver.heard}
    assert told.keys() == {"well", "badly", "denied"}
    assert (told["well"]["execution_status"], told["badly"]["error_class"]) == ("success", "KeyError")
    assert told["well"]["arguments_preview"] == '{"amount":7}'
    assert [told["denied"][key] for key in ("decision", "gate", "rule_id")] == ["deny", "blocklist", "no"]
    assert [told[name]["event_id"] for name in ("well", "badly")] == [event["event_id"] for event in completed]
    assert {event["hook_outcome"] for event in ran} == {"passed"}
    assert {event["execution_id"] for event in ran} == {one["execution_id"] for one in told.values()}


async def test_a_slow_hook_delays_neither_calls_nor_other_hooks(
    open_house: OpenHouse, receiver: Receiver, programs: Programs
) -> None:
    released = threading.Event()

    def hold(handler: BaseHTTPRequestHandler, _: Heard) -> None:
        released.wait(20)
        reply(handler, 204)

    receiver.answer = hold
    slow = {"id": "slow", "event": "post_tool_use", "webhook": {"url": receiver.url}, "time_limit_ms": 30_000}
    quick = {"id": "quick", "event": "post_tool_use", "command": {"argv": [programs.write("quick", "note('ran')")]}}
    async with open_house(slow, quick) as house:
        began_s = time.monotonic()
        for _ in range(10):
            assert await house.called() is None
        assert time.monotonic() - began_s < 5
        assert len(await house.waits_for("hook.ran", 10)) == 10, "all of the quick one's"
        released.set()
        assert len(await house.waits_for("hook.ran", 20)) == 20


async def test_a_webhook_that_fails_is_told_again_with_the_same_id(
    open_house: OpenHouse, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(telling_module, "PAUSES_S", (0.01, 0.01, 0.01))
    statuses = iter([500, 429, 204, 400])
    receiver.answer = lambda handler, _: reply(handler, next(statuses))
    async with open_house({"id": "h", "event": "post_tool_use", "webhook": {"url": receiver.url}}) as house:
        assert await house.called() is None
        await house.waits_for("hook.ran")
        assert await house.called() is None
        (failed,) = await house.waits_for("hook.failed")
    assert failed["reason"] == "it answered HTTP 400", "which no second try would change"
    keys = [heard.headers["Idempotency-Key"] for heard in receiver.heard]
    assert len(set(keys[:3])) == 1
    assert len(keys) == 4


async def test_what_has_no_room_and_what_the_end_cuts_off_is_recorded_as_dropped(
    open_house: OpenHouse, receiver: Receiver
) -> None:
    receiver.answer = lambda _, __: time.sleep(3)
    hook = {"id": "h", "event": "post_tool_use", "webhook": {"url": receiver.url}, "time_limit_ms": 30_000}
    async with open_house(hook, max_waiting=2, drain_ms=100) as house:
        for _ in range(9):
            assert await house.called() is None
        (crowded,) = await house.waits_for("hook.failed")
    assert crowded["reason"] == "3 runs were dropped: 2 others waited"
    async with open_house() as house:
        lost = [event["reason"] for event in await house.events("hook.failed")]
    assert lost[1:] == ["6 runs were dropped: the service ended"]


async def test_a_session_that_begins_is_told(open_house: OpenHouse, receiver: Receiver) -> None:
    hook = {"id": "h", "event": "session_start", "match": {"users": ["A*"]}, "webhook": {"url": receiver.url}}
    async with open_house(hook) as house:
        assert await house.called(Call("finance", "pay", Ids("a" * 32, session_id="s-1"))) is None
        await house.waits_for("hook.ran")
    told = receiver.heard[0].told
    assert (told["hook_event"], told["session_id"], told["user_id"]) == ("session_start", "s-1", "ann")


async def test_moments_of_agents_are_fired_by_who_hears_of_them(open_house: OpenHouse, programs: Programs) -> None:
    program = programs.write("h", "if told()['hook_event'] == 'user_prompt_submit': sys.exit(2)\nnote('told')")
    command = {"command": {"argv": [program]}}
    hooks = ({"id": "ask", "event": "user_prompt_submit", **command}, {"id": "tell", "event": "stop", **command})
    keys = {"event_id": "e", "timestamp": "2026-01-01T00:00:00.000000Z"}
    async with open_house(*hooks) as house:
        policy = house.gate.dispatcher.gates.policy
        denial = await house.gate.hooks.fire(policy, HookMoment.USER_PROMPT_SUBMIT, Facts(keys))
        assert denial is not None
        assert (denial.hook_id, denial.reason_code) == ("ask", "hook_denied")
        assert await house.gate.hooks.fire(policy, HookMoment.STOP, Facts(keys)) is None
        assert await house.gate.hooks.fire(policy, HookMoment.NOTIFICATION, Facts(keys)) is None
        await house.waits_for("hook.ran", 2)
    assert programs.noted() == ["told"]


async def test_a_changed_policy_changes_hooks_with_the_next_call(open_house: OpenHouse, programs: Programs) -> None:
    hook = {"id": "h", "event": "pre_tool_use", "command": {"argv": [programs.write("h", "sys.exit(2)")]}}
    async with open_house() as house:
        assert await house.called() is None
        house.gate.dispatcher.adopt(house.gate.dispatcher.prepare(parse_policy(policy_of(hook), "policy.yaml")))
        with anyio.fail_after(10):
            assert isinstance(await house.called(), CallDenied)
