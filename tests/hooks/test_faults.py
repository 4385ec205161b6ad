"""Hooks that misbehave, and callers, journals and services that end in the middle of one."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import time
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

import anyio
import psycopg
import pytest

from gatetrail.errors import AuditUnavailable
from gatetrail.events.fields import Record
from tests.checkout import ROOT
from tests.hooks.conftest import House, OpenHouse, until
from tests.hooks.outside import Heard, Programs, Receiver, lives

pytestmark = [pytest.mark.anyio, pytest.mark.postgres, pytest.mark.requirement("D5")]

LIMIT_MS = 400
NO_ANSWER = f"no answer within {LIMIT_MS} ms"


def hook(program: str, **more: object) -> dict[str, object]:
    return {"id": "h", "event": "pre_tool_use", "command": {"argv": [program]}, "time_limit_ms": LIMIT_MS, **more}


@pytest.mark.parametrize(
    ("code", "reason"),
    [
        ("note(os.getpid()); time.sleep(60)", NO_ANSWER),
        ("signal.signal(signal.SIGTERM, signal.SIG_IGN); note(os.getpid()); time.sleep(60)", NO_ANSWER),
        ("note(os.getpid())\nif os.fork() == 0: note(os.getpid())\ntime.sleep(60)", NO_ANSWER),
        ("note(os.getpid())\nwhile True: sys.stdout.write('x' * 65536)", "it wrote more than 65536 bytes"),
        ("note(os.getpid())\nfor _ in range(1600): sys.stderr.write('x' * 65536)", "it wrote more than 65536 bytes"),
        ("note(os.getpid()); os.kill(os.getpid(), signal.SIGKILL)", "it was ended by SIGKILL"),
    ],
    ids=["hangs", "ignores SIGTERM", "forks", "floods stdout", "100 MB on stderr", "kills itself"],
)
async def test_a_program_that_misbehaves_is_ended_with_all_that_it_started(
    open_house: OpenHouse, programs: Programs, code: str, reason: str
) -> None:
    limit_ms = LIMIT_MS if reason == NO_ANSWER else 30_000
    async with open_house(hook(programs.write("h", code), time_limit_ms=limit_ms)) as house:
        with anyio.fail_after(15):
            denied = await house.called()
        (failed,) = await house.events("hook.failed")
    assert denied is not None
    assert denied.reason_code == "hook_failed"
    assert failed["reason"] == reason
    assert not [pid for pid in map(int, programs.noted()) if lives(pid)]


async def test_a_program_may_leave_its_stdin_unread_and_end_before_its_children(
    open_house: OpenHouse, programs: Programs
) -> None:
    early = programs.write("early", "os.close(0); time.sleep(0.05)")
    leaving = programs.write("leaving", "if os.fork() == 0: note(os.getpid()); time.sleep(60)")
    async with open_house(hook(early), {**hook(leaving, time_limit_ms=30_000), "id": "leaving"}) as house:
        with anyio.fail_after(15):
            assert await house.called() is None
    assert not [pid for pid in map(int, programs.noted()) if lives(pid)]


def test_a_program_that_is_gone_or_may_not_be_run_is_a_failure(open_house: OpenHouse, programs: Programs) -> None:
    async def scenario() -> list[str]:
        missing = hook(str(programs.folder / "missing"), on_failure="allow")
        plain = programs.folder / "plain"
        plain.write_text("#!/bin/sh\n")
        nowhere = {"argv": [programs.write("h", "")], "folder": "/nowhere/at/all"}
        hooks = (
            missing,
            {**hook(str(plain), on_failure="allow"), "id": "plain"},
            {**hook("", on_failure="allow"), "id": "nowhere", "command": nowhere},
        )
        async with open_house(*hooks) as house:
            assert await house.called() is None
            return [event["reason"] for event in await house.events("hook.failed")]

    assert asyncio.run(scenario()) == [
        "it cannot be started: there is no such program",
        "it cannot be started: the service may not run that file",
        "it cannot be started: there is no folder /nowhere/at/all",
    ]


async def test_a_webhook_that_hangs_or_drips_runs_into_the_limit(open_house: OpenHouse, receiver: Receiver) -> None:
    def drip(handler: BaseHTTPRequestHandler, _: Heard) -> None:
        handler.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n")
        for _count in range(200):
            handler.wfile.write(b" ")
            handler.wfile.flush()
            time.sleep(0.05)

    def hang(_: BaseHTTPRequestHandler, __: Heard) -> None:
        time.sleep(3)

    webhook = {"id": "h", "event": "pre_tool_use", "webhook": {"url": receiver.url}, "time_limit_ms": LIMIT_MS}
    async with open_house(webhook) as house:
        for misbehave in (drip, hang):
            receiver.answer = misbehave
            with anyio.fail_after(5):
                assert await house.called() is not None
        assert [event["reason"] for event in await house.events("hook.failed")] == [NO_ANSWER] * 2


async def test_programs_run_so_many_at_a_time_and_what_comes_on_top_fails(
    open_house: OpenHouse, programs: Programs
) -> None:
    program = programs.write("h", "note('in'); time.sleep(0.3); note('out')")
    async with open_house(hook(program, time_limit_ms=30_000), max_running=1, max_waiting=2) as house:
        answers: list[Any] = await asyncio.gather(*(house.called() for _ in range(5)))
        reasons = [event["reason"] for event in await house.events("hook.failed")]
    assert sum(answer is None for answer in answers) == 3
    assert reasons == ["2 others wait for their turn"] * 2
    assert programs.noted() == ["in", "out"] * 3


async def test_a_caller_who_goes_away_meanwhile_leaves_a_denial_and_no_program(
    open_house: OpenHouse, programs: Programs
) -> None:
    program = programs.write("h", "note(os.getpid()); time.sleep(60)")
    async with open_house(hook(program, time_limit_ms=60_000)) as house:
        for cancel in (_by_scope, _by_task):
            with anyio.fail_after(15):
                await cancel(house, programs)
            programs.notes.unlink()
        events = await house.events("hook.failed", "tool_call.decided", "tool_call.completed")
    assert [event["event_name"] for event in events] == ["hook.failed", "tool_call.decided"] * 2
    assert [(event["gate"], event["reason_code"]) for event in events[1::2]] == [("hook", "hook_failed")] * 2


async def _running(programs: Programs) -> int:
    async def there() -> bool:
        return bool(programs.noted())

    await until(there)
    return int(programs.noted()[0])


async def _by_scope(house: House, programs: Programs) -> None:
    running: list[int] = []
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(house.called)
        running.append(await _running(programs))
        tasks.cancel_scope.cancel()
    assert not lives(running[0])


async def _by_task(house: House, programs: Programs) -> None:
    task = asyncio.ensure_future(house.called())
    pid = await _running(programs)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert not lives(pid)


async def test_without_a_journal_no_hook_runs(
    open_house: OpenHouse, programs: Programs, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with open_house(hook(programs.write("h", "note('ran')"))) as house:

        async def away(_: Record) -> int:
            raise AuditUnavailable("away", maybe_recorded=False)

        with monkeypatch.context() as patched:
            patched.setattr(house.gate.journal, "append", away)
            denied = await house.called()
        assert denied is not None
        assert (denied.gate, denied.reason_code) == ("audit", "audit_unavailable")
    assert programs.noted() == []


def test_a_service_that_is_killed_meanwhile_leaves_the_moment_and_runs_nothing_again(
    dsn: str, open_folder: Path, programs: Programs
) -> None:
    program = programs.write("h", "note(os.getpid()); time.sleep(60)")
    script = _KILLED.format(dsn=dsn, data=str(open_folder / "data"), folder=str(programs.folder), program=program)
    service = subprocess.Popen([sys.executable, "-c", script], cwd=ROOT)
    try:
        _within(lambda: bool(programs.noted()), service)
    finally:
        service.kill()
        service.wait(10)
    pid = int(programs.noted()[0])
    _within(lambda: sys.platform != "linux" or not lives(pid))
    with psycopg.connect(dsn) as connection:
        names = connection.execute("SELECT event_name FROM audit_events ORDER BY seq").fetchall()
        executions = connection.execute("SELECT count(*) FROM mcp_tool_executions").fetchone()
    happened = [name for (name,) in names if name.startswith(("lifecycle.", "hook.", "tool_call."))]
    assert happened == ["lifecycle.pre_tool_use"]
    assert executions == (0,)
    reopen = _REOPENED.format(dsn=dsn, data=str(open_folder / "data"))
    subprocess.run([sys.executable, "-c", reopen], cwd=ROOT, check=True, timeout=60)
    assert len(programs.noted()) == 1


def _within(holds: Callable[[], bool], service: subprocess.Popen[bytes] | None = None) -> None:
    end_s = time.monotonic() + 30
    while not holds():
        assert time.monotonic() < end_s
        assert service is None or service.poll() is None
        time.sleep(0.02)


_OPEN = """
import anyio
from pathlib import Path
from gatetrail import Gatetrail
from gatetrail.policy.load import parse_policy
from gatetrail.settings import HookSettings, load_settings
from tests.hooks.conftest import ANN, pay, policy_of
"""

_KILLED = (
    _OPEN
    + """
async def main():
    hook = {{"id": "h", "event": "pre_tool_use", "command": {{"argv": ["{program}"]}}, "time_limit_ms": 60000}}
    settings = load_settings(None, data_dir=Path("{data}"), hooks=HookSettings(commands=("{folder}",)))
    async with Gatetrail.open(parse_policy(policy_of(hook), "killed"), dsn="{dsn}", settings=settings) as gate:
        async with gate.guard(pay(), ANN):
            pass
anyio.run(main)
"""
)

_REOPENED = (
    _OPEN
    + """
async def main():
    settings = load_settings(None, data_dir=Path("{data}"))
    async with Gatetrail.open(parse_policy(policy_of(), "again"), dsn="{dsn}", settings=settings):
        pass
anyio.run(main)
"""
)
