"""Hooks that are asked before a tool is used: what they can say, what is recorded, and what silence means."""

from __future__ import annotations

import json
from collections.abc import Sequence
from http.server import BaseHTTPRequestHandler

import anyio
import psycopg
import pytest

from gatetrail.call import Call, Ids
from gatetrail.hooks import HookOutcome, HookPayload, verify
from gatetrail.policy.hooks import HookMoment
from tests.hooks.conftest import ANN, SOC, OpenHouse, pay
from tests.hooks.outside import Heard, Programs, Receiver, reply

pytestmark = [pytest.mark.anyio, pytest.mark.postgres, pytest.mark.requirement("D5")]


async def test_a_program_passes_and_denies_and_each_run_is_recorded(open_house: OpenHouse, programs: Programs) -> None:
    freeze = programs.write(
        "freeze",
        "facts = told()\nnote(facts)\n"
        "if facts['tool_name'] == 'pay': sys.stderr.write('nothing is paid\\x1b[2J\\nduring the audit'); sys.exit(2)",
    )
    hook = {"id": "freeze", "event": "pre_tool_use", "command": {"argv": [freeze]}}
    async with open_house(hook) as house:
        assert await house.called(Call("finance", "look", Ids("a" * 32))) is None
        denied = await house.called()
        assert denied is not None
        assert (denied.gate, denied.reason_code) == ("hook", "hook_denied")
        assert "nothing is paid [2J during the audit" in str(denied)
        runs = house.gate.hooks.tallies.runs
        told = [event for event in await house.events() if event.get("execution_id") == denied.execution_id]
    assert [event["event_name"] for event in told] == ["lifecycle.pre_tool_use", "hook.ran", "tool_call.decided"]
    moment, ran, decided = told
    assert (moment["server_name"], moment["tool_name"], moment["user_id"]) == ("finance", "pay", "ann")
    assert (ran["hook_id"], ran["hook_action"], ran["hook_outcome"]) == ("freeze", "command", "denied")
    assert (decided["decision"], decided["gate"], decided["rule_id"]) == ("deny", "hook", "freeze")
    assert [decided[f"gate_{gate}"] for gate in ("scope", "scanner", "blocklist", "rate_limit")] == ["pass"] * 4
    assert len(programs.noted()) == 2
    assert runs == {(HookMoment.PRE_TOOL_USE, HookOutcome.PASSED): 1, (HookMoment.PRE_TOOL_USE, HookOutcome.DENIED): 1}


async def test_what_a_hook_is_told_keeps_to_its_schema_and_holds_no_arguments(
    open_house: OpenHouse, receiver: Receiver
) -> None:
    secret = "AKIA" + "Q" * 16
    bare = {"id": "bare", "event": "pre_tool_use", "webhook": {"url": receiver.url, "secret": "soc"}}
    shown = {**bare, "id": "shown", "arguments": "redacted"}
    async with open_house(bare, shown, more="redaction: {preview_bytes: 500}") as house:
        assert await house.called(pay(key=secret, amount=100)) is None
        recorded = (await house.events("lifecycle.pre_tool_use"))[0]
    first, second = receiver.heard
    for heard in (first, second):
        payload = HookPayload.model_validate(json.loads(heard.body))
        assert (payload.user_id, payload.server_name, payload.tool_name) == ("ann", "finance", "pay")
        assert payload.event_id == recorded["event_id"] == heard.headers["Idempotency-Key"]
        assert payload.execution_id == recorded["execution_id"]
        assert payload.decision is None
        assert secret.encode() not in heard.body
        time_s = int(heard.headers["Gatetrail-Signature"].split(",")[0].removeprefix("t="))
        assert verify(heard.body, heard.headers["Gatetrail-Signature"], SOC.encode(), time_s)
    assert "arguments_preview" not in first.told
    assert '"amount":100' in second.told["arguments_preview"]


async def test_nothing_happens_outside_before_its_row_is_durable(
    open_house: OpenHouse, receiver: Receiver, dsn: str
) -> None:
    seen: list[int] = []

    def look(handler: BaseHTTPRequestHandler, heard: Heard) -> None:
        with psycopg.connect(dsn) as connection:
            query = "SELECT count(*) FROM audit_events WHERE event_name = 'lifecycle.pre_tool_use' AND event_id = %s"
            seen.extend(connection.execute(query, [heard.told["event_id"]]).fetchone() or ())
        reply(handler, 204)

    receiver.answer = look
    async with open_house({"id": "look", "event": "pre_tool_use", "webhook": {"url": receiver.url}}) as house:
        assert await house.called() is None
    assert seen == [1]


WEBHOOK_ANSWERS: Sequence[tuple[int, bytes, str | None]] = (
    (204, b"", None),
    (200, b'{"decision":"allow"}', None),
    (200, b'{"decision":"deny","reason":"closed"}', "closed"),
    (403, b'{"reason":"closed"}', "closed"),
    (403, b"<html>", "the hook h says no"),
    (200, b"ok", "gave no answer"),
    (200, b'{"decision":"perhaps"}', "gave no answer"),
    (200, b'{"decision":"allow"' + b" " * 70_000 + b"}", "gave no answer"),
    (302, b"", "gave no answer"),
    (401, b"", "gave no answer"),
    (500, b"", "gave no answer"),
)


async def test_what_a_webhook_answers(open_house: OpenHouse, receiver: Receiver) -> None:
    statuses = iter(WEBHOOK_ANSWERS)

    def answer(handler: BaseHTTPRequestHandler, _: Heard) -> None:
        status, body, _outcome = next(statuses)
        reply(handler, status, body, Location=receiver.url)

    receiver.answer = answer
    async with open_house({"id": "h", "event": "pre_tool_use", "webhook": {"url": receiver.url}}) as house:
        for count, (status, body, outcome) in enumerate(WEBHOOK_ANSWERS, start=1):
            denied = await house.called()
            assert (outcome is None) is (denied is None), (status, body[:40])
            assert (outcome or "") in str(denied), (status, body[:40])
            assert len(receiver.heard) == count, "a hook that is asked is asked once, and never elsewhere"


PROGRAM_ANSWERS: Sequence[tuple[str, str | None]] = (
    ("pass", None),
    ("print('all is well')", None),
    ("print(json.dumps({'decision': 'allow'}))", None),
    ("print(json.dumps({'decision': 'deny', 'reason': 'closed'}))", "closed"),
    ("print(json.dumps({'reason': 'closed'})); sys.exit(2)", "closed"),
    ("sys.exit(2)", "the hook h says no"),
    ("print(json.dumps({'decision': 'perhaps'}))", "gave no answer"),
    ("sys.exit(1)", "gave no answer"),
    ("os.kill(os.getpid(), signal.SIGSEGV)", "gave no answer"),
)


async def test_what_a_program_answers(open_house: OpenHouse, programs: Programs) -> None:
    program = programs.write("h", "")
    async with open_house({"id": "h", "event": "pre_tool_use", "command": {"argv": [program]}}) as house:
        for code, outcome in PROGRAM_ANSWERS:
            programs.write("h", code)
            failures = len(await house.events("hook.failed"))
            denied = await house.called()
            assert (outcome is None) is (denied is None), code
            assert (outcome or "") in str(denied), code
            failed = len(await house.events("hook.failed")) > failures
            assert failed is ("gave no answer" in (outcome or "")), code


async def test_a_failure_denies_unless_the_policy_lets_it_pass(open_house: OpenHouse, programs: Programs) -> None:
    broken = {"command": {"argv": [programs.write("broken", "sys.exit(9)")]}, "event": "pre_tool_use"}
    lenient = {**broken, "id": "lenient", "on_failure": "allow"}
    async with open_house(lenient, {**broken, "id": "strict", "match": {"users": ["b*"]}}) as house:
        assert await house.called() is None
        failed = (await house.events("hook.failed"))[0]
        assert (failed["hook_id"], failed["reason"]) == ("lenient", "it ended with exit code 9")
        (decided,) = await house.events("tool_call.decided")
        assert failed["execution_id"] == decided["execution_id"]
        assert failed["user_id"] == ANN.user_id


async def test_hooks_are_asked_in_the_order_of_the_file_and_the_first_denial_ends_it(
    open_house: OpenHouse, programs: Programs
) -> None:
    def hook(name: str, code: str) -> dict[str, object]:
        return {
            "id": name,
            "event": "pre_tool_use",
            "match": {"tools": ["p?y"]},
            "command": {"argv": [programs.write(name, f"note({name!r})\n{code}")]},
        }

    async with open_house(hook("first", ""), hook("second", "sys.exit(2)"), hook("third", "")) as house:
        assert "second" in str(await house.called())
        assert await house.called(Call("finance", "look", Ids("a" * 32))) is None
        assert len(await house.events("lifecycle.pre_tool_use")) == 1, "only where a hook is for the call"
    assert programs.noted() == ["first", "second"]


async def test_a_program_gets_nothing_of_our_environment_but_what_both_files_name(
    open_house: OpenHouse, programs: Programs, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GIVEN", "yes")
    monkeypatch.setenv("KEPT", "yes")
    program = programs.write("h", "note(sorted(os.environ)); note(sys.argv[1:]); note(os.getcwd())")
    command = {"argv": [program, "$GIVEN", "; true"], "environment": ["GIVEN"], "folder": "/tmp"}
    hook = {"id": "h", "event": "pre_tool_use", "command": command}
    async with open_house(hook, environment=("GIVEN", "KEPT")) as house:
        assert await house.called() is None
    environment, arguments, folder = programs.noted()
    assert set(eval(environment)) - {"LC_CTYPE"} == {"GIVEN", "PATH"}
    assert (arguments, folder) == ("['$GIVEN', '; true']", "/tmp")


async def test_one_that_runs_aside_is_told_and_delays_nothing(open_house: OpenHouse, receiver: Receiver) -> None:
    receiver.answer = lambda handler, _: reply(handler, 403)
    hook = {"id": "aside", "event": "pre_tool_use", "async": True, "webhook": {"url": receiver.url}}
    async with open_house(hook) as house:
        with anyio.fail_after(10):
            assert await house.called() is None
        assert (await house.waits_for("hook.failed"))[0]["reason"] == "it answered HTTP 403"


async def test_during_a_rotation_both_secrets_sign(open_house: OpenHouse, receiver: Receiver) -> None:
    old, new = "the old secret, 16+", "the new secret, 16+"
    hook = {"id": "h", "event": "pre_tool_use", "webhook": {"url": receiver.url, "secret": "soc"}}
    async with open_house(hook, secrets={"soc": (new, old)}) as house:
        assert await house.called() is None
    heard = receiver.heard[0]
    header = heard.headers["Gatetrail-Signature"]
    time_s = int(header.split(",")[0].removeprefix("t="))
    assert [verify(heard.body, header, secret.encode(), time_s) for secret in (old, new)] == [True, True]
    assert not verify(heard.body, header, b"another secret, 16+", time_s)
    assert not verify(heard.body + b" ", header, new.encode(), time_s)
    assert not verify(heard.body, header, new.encode(), time_s + 301)
