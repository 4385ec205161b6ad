"""An upstream that dies, hangs, never starts or never ends; and what its callers and the others notice of it."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest

from gatetrail.identity.tiers import Tier
from gatetrail.upstreams import CommandTarget, Limits, Phase, Revealed
from tests.mcp.wire import ERAS, HANDSHAKE, MODERN
from tests.upstreams.driving import QUICK, Script, lives, mounted, path, until

pytestmark = [pytest.mark.anyio, pytest.mark.requirement("A8")]

SLOW_RETRY = Limits(start_limit_ms=10_000, retry_initial_ms=60_000, retry_max_ms=60_000)


@pytest.mark.parametrize("era", ERAS)
async def test_calls_in_flight_fail_at_once_when_it_dies_and_the_next_one_works(tmp_path: Path, era: str) -> None:
    script = Script(tmp_path)
    policy = "servers: {up: {tier: user}}"
    async with mounted(tmp_path, script.target(), policy=policy) as house:
        wire = await house.wire(era)
        hanging = [asyncio.create_task(replace(wire, request_id=number).call("hang")) for number in range(1, 6)]
        await until(lambda: len(script.calls()) == 5)
        began_s = time.monotonic()
        died = (await wire.call("die")).error
        assert died["code"] == 50302
        assert died["message"] == "upstream up is unavailable: it ended"
        assert [(await call).error for call in hanging] == [died] * 5
        assert time.monotonic() - began_s < 5
        await house.up(restarts=1)
        assert (await wire.call("echo", {"text": "again"})).result["content"][0]["text"] == "again"
        assert len(house.gate.decisions()) == 7
        assert sorted(house.outcomes()) == sorted(
            [("hang", "failed", "upstream_unavailable")] * 5
            + [("die", "failed", "upstream_unavailable"), ("echo", "success", None)]
        )


async def test_while_it_is_away_a_call_fails_at_once_and_says_why(tmp_path: Path) -> None:
    script = Script(tmp_path)
    async with mounted(tmp_path, script.target(), limits=SLOW_RETRY) as house:
        wire = await house.wire(HANDSHAKE)
        await wire.call("die")
        await until(lambda: house.upstream.state().phase is Phase.WAITING)
        began_s = time.monotonic()
        assert (await wire.call("echo")).error["message"] == "upstream up is unavailable: it ended"
        assert (await wire.ask("tools/list")).error["code"] == 50302
        assert time.monotonic() - began_s < 2
        assert house.outcomes()[-1] == ("echo", "failed", "upstream_unavailable")
        # What it had is still known, so a client that comes now can shake hands, and what is hidden stays so.
        assert (await house.wire(HANDSHAKE)).session_id is not None
        assert (await wire.call("nonsense")).error == {"code": -32602, "message": "Unknown tool: nonsense"}
        state = house.upstream.state()
        assert (state.reason, state.last_error) == ("it ended", "it ended: exit code -9")


@pytest.mark.parametrize("era", ERAS)
async def test_one_that_does_not_answer_is_a_timeout_and_cancelled_there(tmp_path: Path, era: str) -> None:
    script = Script(tmp_path)
    async with mounted(tmp_path, script.target()) as house:
        wire = await house.wire(era)
        error = (await wire.call("hang")).error
        assert error["code"] == 40801
        assert error["message"].startswith("hang ran into its time limit of 300 ms")
        assert house.outcomes() == [("hang", "timeout", "time_limit")]
        await until(lambda: any(message.get("method") == "notifications/cancelled" for message in script.heard()))
        hung = next(message for message in script.heard() if message.get("method") == "tools/call")
        cancelled = next(message for message in script.heard() if message.get("method") == "notifications/cancelled")
        assert cancelled["params"]["requestId"] == hung["id"]
        assert (await wire.call("echo")).result["content"]


async def test_its_own_time_limit_counts_below_that_of_the_policy(tmp_path: Path) -> None:
    limits = Limits(time_limit_ms=150, retry_initial_ms=20, retry_max_ms=100)
    async with mounted(tmp_path, Script(tmp_path).target(), limits=limits, policy="servers: {up: {}}") as house:
        wire = await house.wire(MODERN, Tier.ADMIN)
        assert (await wire.call("hang")).error["message"].startswith("hang ran into its time limit of 150 ms")
        assert house.outcomes() == [("hang", "timeout", "time_limit")]


async def test_one_that_was_stopped_times_out_and_goes_on_when_it_is_continued(tmp_path: Path) -> None:
    script = Script(tmp_path)
    limits = Limits(time_limit_ms=200, retry_initial_ms=20, retry_max_ms=100)
    async with mounted(tmp_path, script.target(), limits=limits) as house:
        wire = await house.wire(HANDSHAKE)
        process = script.processes()[0]["started"]
        os.kill(process, signal.SIGSTOP)
        began_s = time.monotonic()
        assert (await wire.call("echo")).error["code"] == 40801
        assert time.monotonic() - began_s < 2
        os.kill(process, signal.SIGCONT)
        await until(lambda: len(script.calls()) == 1)
        assert (await wire.call("echo")).result["content"]
        assert house.upstream.state().restarts == 0


async def test_one_that_gives_no_sign_of_life_is_started_anew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gatetrail.upstreams.watch.SIGN_S", 0.3)
    monkeypatch.setattr("gatetrail.upstreams.process.GRACE_S", 0.3)
    script = Script(tmp_path)
    limits = Limits(time_limit_ms=200, retry_initial_ms=20, retry_max_ms=100)
    async with mounted(tmp_path, script.target(), limits=limits) as house:
        wire = await house.wire(HANDSHAKE)
        process = script.processes()[0]["started"]
        os.kill(process, signal.SIGSTOP)
        assert (await wire.call("echo")).error["code"] == 40801
        await house.up(restarts=1)
        assert not lives(process)
        assert (await wire.call("echo")).result["content"]


async def test_a_command_that_does_not_exist_holds_up_nobody_but_its_callers(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    target = CommandTarget(("/nowhere/at/all", "--key=x"), lambda: Revealed(path()))
    async with mounted(tmp_path, target, wait=False) as house:
        await until(lambda: house.upstream.state().restarts >= 3)
        opened = await house.site.client(HANDSHAKE, house.gate.token()).open()
        assert opened is not None
        assert opened.error["message"] == "upstream up is unavailable: it cannot be started"
        modern = await house.wire(MODERN)
        assert (await modern.call("anything")).error["code"] == 50302
        assert house.outcomes() == [("anything", "failed", "upstream_unavailable")]
        expected = "it cannot be started: /nowhere/at/all: No such file or directory"
        assert house.upstream.state().last_error == expected
        assert f"upstream up: {expected}; new try in" in caplog.text


async def test_a_program_that_speaks_no_mcp_is_tried_again_and_again_with_longer_pauses(tmp_path: Path) -> None:
    complaining = "import sys; sys.stderr.write('ready\\nError: no licence\\nbye\\n'); sys.exit(3)"
    target = CommandTarget((sys.executable, "-IS", "-c", complaining), lambda: Revealed(path()))
    async with mounted(tmp_path, target, wait=False) as house:
        await until(lambda: house.upstream.state().restarts >= 3)
        await until(lambda: house.upstream.state().phase is Phase.WAITING)
        assert house.upstream.state().last_error == "it ended: exit code 3, Error: no licence"


async def test_a_start_that_takes_too_long_is_given_up(tmp_path: Path) -> None:
    script = Script(tmp_path, ways="deaf")
    limits = Limits(start_limit_ms=300, retry_initial_ms=20, retry_max_ms=100)
    async with mounted(tmp_path, script.target(), limits=limits, wait=False) as house:
        await until(lambda: house.upstream.state().restarts >= 2)
        await until(lambda: house.upstream.state().reason is not None)
        assert house.upstream.state().reason == "it did not start within 300 ms"
        assert not lives(script.processes()[0]["started"])


async def test_a_call_waits_for_a_start_that_is_under_way(tmp_path: Path) -> None:
    async with mounted(tmp_path, Script(tmp_path).target(), wait=False) as house:
        assert house.upstream.state().phase is Phase.STARTING
        assert (await (await house.wire(HANDSHAKE)).call("echo", {"text": "early"})).result["content"]


@pytest.mark.parametrize("ways", ["parent", "parent stubborn"])
async def test_at_the_end_nothing_of_it_is_left(tmp_path: Path, ways: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gatetrail.upstreams.process.GRACE_S", 0.3)
    script = Script(tmp_path, ways=ways)
    async with mounted(tmp_path, script.target()) as house:
        (process,) = script.processes()
        assert lives(process["started"])
        assert lives(process["child"])
    assert house.upstream.state().phase is Phase.ENDED
    assert not lives(process["started"])
    assert not lives(process["child"])


async def test_callers_are_not_kept_waiting_while_it_is_taken_down(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gatetrail.upstreams.process.GRACE_S", 1.2)
    script = Script(tmp_path, ways="stubborn")
    async with mounted(tmp_path, script.target(), policy="servers: {up: {}}") as house:
        wire = await house.wire(MODERN)
        hanging = asyncio.create_task(wire.call("hang"))
        await until(script.calls)
        house.upstream.keeper.doubted.clear()
        assert house.upstream.keeper.link is not None
        house.upstream.keeper.link.lose("it gave no sign of life within 10 s")
        async with asyncio.timeout(1.5):
            error = (await hanging).error
        assert error["message"] == "upstream up is unavailable: it gave no sign of life within 10 s"
    assert QUICK.start_limit_ms == 10_000
