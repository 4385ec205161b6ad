"""What callers, hooks and policies try, and what they leave behind."""

from __future__ import annotations

import asyncio
import json
import os
from pathlib import Path

import pytest
from pydantic import SecretStr

from gatetrail import Authenticated, Call, Gatetrail, Ids, Tier
from gatetrail.events.fields import Record
from gatetrail.events.model import LifecycleReported
from gatetrail.hooks import Outside
from gatetrail.identity.caller import AuthMethod
from gatetrail.identity.tiers import CallerType
from gatetrail.settings import HookSettings, ServiceSettings
from tests.hooks.conftest import House, OpenHouse, policy_of
from tests.hooks.outside import Programs, lives

pytestmark = [pytest.mark.anyio, pytest.mark.postgres, pytest.mark.requirement("D5")]

HOSTILE = ("$(id)", "; touch /tmp/x", "--strict", "a\nb", "a\0b", "\ud800", "\u202e", "../../bin/sh", "x" * 5_000)


def asked(program: str, **more: object) -> dict[str, object]:
    return {"id": "h", "event": "pre_tool_use", "command": {"argv": [program]}, "time_limit_ms": 30_000, **more}


async def test_what_callers_name_is_on_stdin_only(open_house: OpenHouse, programs: Programs) -> None:
    program = programs.write(
        "h", "note(json.dumps([sys.argv[1:], sorted(os.environ), type(told()['tool_name']).__name__]))"
    )
    async with open_house(asked(program)) as house:
        for name in HOSTILE:
            who = Authenticated(f"u{name}", Tier.USER, Tier.USER, CallerType.USER, AuthMethod.EMBEDDED)
            assert await house.called(Call("finance", name, Ids("a" * 32)), who) is None
    runs = [json.loads(line) for line in programs.noted()]
    assert len(runs) == len(HOSTILE)
    for arguments, environment, tool_name in runs:
        assert (arguments, set(environment) - {"LC_CTYPE"}, tool_name) == ([], {"PATH"}, "str")


async def test_an_answer_after_the_time_limit_does_not_count(open_house: OpenHouse, programs: Programs) -> None:
    code = "signal.signal(signal.SIGTERM, lambda *_: (note('late'), os._exit(0)))\nnote('in'); time.sleep(60)"
    async with open_house(asked(programs.write("h", code), time_limit_ms=1_500)) as house:
        denied = await house.called()
    assert denied is not None
    assert denied.reason_code == "hook_failed"
    assert programs.noted() == ["in", "late"]


async def test_a_run_that_breaks_off_in_any_way_is_a_failure_on_record(
    open_house: OpenHouse, programs: Programs, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def broken(*_: object) -> None:
        raise RuntimeError("what nobody has thought of: hunter2")

    command = {"command": {"argv": [programs.write("h", "")]}}
    after = {"id": "after", "event": "post_tool_use_failure", "match": {"decisions": ["deny"]}, **command}
    monkeypatch.setattr(Outside, "ask", broken)
    monkeypatch.setattr(Outside, "tell", broken)
    async with open_house(asked(programs.write("h", "")), after) as house:
        denied = await house.called()
        failed = await house.waits_for("hook.failed", 2)
        names = [event["event_name"] for event in await house.events()][-4:]
    assert denied is not None
    assert denied.reason_code == "hook_failed"
    assert names == ["lifecycle.pre_tool_use", "hook.failed", "tool_call.decided", "hook.failed"]
    assert {event["reason"] for event in failed} == {"it broke off: RuntimeError"}


async def test_a_caller_who_goes_away_before_the_first_hook_leaves_one_denial(
    open_house: OpenHouse, programs: Programs, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with open_house(asked(programs.write("h", "note('in'); time.sleep(60)"))) as house:
        append, appending = house.gate.journal.append, asyncio.Event()

        async def slow(event: Record) -> int:
            if isinstance(event, LifecycleReported):
                appending.set()
                await asyncio.sleep(0.2)
            return await append(event)

        monkeypatch.setattr(house.gate.journal, "append", slow)
        task = asyncio.ensure_future(house.called())
        await appending.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        events = await house.events("lifecycle.pre_tool_use", "hook.failed", "tool_call.decided", "tool_call.completed")
    assert [event["event_name"] for event in events] == ["lifecycle.pre_tool_use", "hook.failed", "tool_call.decided"]
    assert (events[-1]["gate"], events[-1]["reason_code"]) == ("hook", "hook_failed")
    assert not [pid for pid in programs.noted() if pid.isdigit() and lives(int(pid))]


@pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="counts by /proc")
async def test_many_runs_leave_no_open_file_and_no_process(open_house: OpenHouse, programs: Programs) -> None:
    program = programs.folder / "true"
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    async with open_house(asked(str(program))) as house:
        await called_often(house, 10)
        before = left_over()
        await called_often(house, 60)
        assert left_over() == before


async def called_often(house: House, count: int) -> None:
    assert await asyncio.gather(*(house.called() for _ in range(count))) == [None] * count


def left_over() -> tuple[int, int]:
    """Open files, and children that run or wait to be asked how they ended."""
    children = Path(f"/proc/self/task/{os.getpid()}/children").read_text().split()
    return len([*Path("/proc/self/fd").iterdir()]), len(children)


async def test_a_file_with_a_forbidden_command_changes_nothing_while_the_service_runs(
    dsn: str, open_folder: Path, programs: Programs
) -> None:
    file = open_folder / "policy.yaml"
    file.write_text(policy_of(asked(programs.write("no", "sys.exit(2)"))))
    settings = ServiceSettings(
        dsn=SecretStr(dsn), data_dir=open_folder / "data", hooks=HookSettings(commands=(str(programs.folder),))
    )
    async with Gatetrail.open(file, settings=settings, sinks=False) as gate:
        house = House(gate)
        assert await house.called() is not None
        file.write_text(policy_of(asked("/bin/sh")))
        (rejected,) = await house.waits_for("policy.rejected")
        assert "policy.yaml:2: hooks[0].command.argv[0]: the service allows no such command" in rejected["reason"]
        assert await house.called() is not None, "by the policy before"
