"""The end in order: calls in flight are answered, streams end cleanly, sinks get what is recorded, all of it told."""

from __future__ import annotations

import asyncio
import json
import signal
from pathlib import Path

import httpx
import pytest

from tests.cli.conftest import WITHIN_S, Running, stopwatch
from tests.lifecycle.conftest import MODES, House, called, client, is_up

pytestmark = [pytest.mark.anyio, pytest.mark.postgres, pytest.mark.slow, pytest.mark.requirement("D3")]

NAP_S = 1.5
STEPS = (
    "Ending: nothing new is accepted; calls in flight get 20 s to finish.",
    "Ending: sinks get 3 s to come to the journal's end.",
    "Ending: the journal closes.",
)


def steps(service: Running) -> list[str]:
    return [line for line in service.err.wait_for(lambda _lines: True) if line.startswith("Ending")]


async def naps(house: House, url: str, bearer: str, mode: str, may_end: asyncio.Event) -> str:
    """Call a slow tool, and say when it has begun."""
    async with client(url, bearer, mode) as one:
        await one.list_tools()  # as clients do; else this one would after its call, when nobody listens any more
        calling = asyncio.create_task(called(one, "nap", seconds=NAP_S))
        await in_flight(house, len(MODES))
        may_end.set()
        return await calling


async def in_flight(house: House, count: int) -> None:
    async with asyncio.timeout(WITHIN_S):
        while True:
            found = await asyncio.to_thread(
                house.gatetrail, "events", "--event", "tool_call.decided", "--tool", "nap", "--format", "json"
            )
            if len(found.objects) >= count:
                return


async def listens(url: str, bearer: str, opened: asyncio.Event) -> list[str]:
    """All lines of the live stream; httpx raises when it is broken off instead of ended."""
    headers = {"Authorization": f"Bearer {bearer}"}
    lines: list[str] = []
    async with (
        httpx.AsyncClient(timeout=WITHIN_S) as http,
        http.stream("GET", f"{url}/v1/events/stream", headers=headers) as answer,
    ):
        async for line in answer.aiter_lines():
            lines.append(line)
            opened.set()
    return lines


async def test_calls_in_flight_of_both_eras_are_answered_and_streams_and_sinks_come_to_their_end(
    house: House, tmp_path: Path
) -> None:
    path = tmp_path / "events.jsonl"
    house.settle(grace_s=20, drain_s=3, sinks={"file": {"type": "file", "path": str(path)}})
    service = house.serve()
    url = await asyncio.to_thread(is_up, service)
    bearer = await asyncio.to_thread(house.token)
    may_end, opened = asyncio.Event(), asyncio.Event()
    listening = asyncio.create_task(listens(url, bearer, opened))
    await asyncio.wait_for(opened.wait(), WITHIN_S)
    calling = [asyncio.create_task(naps(house, url, bearer, mode, may_end)) for mode in MODES]
    await asyncio.wait_for(may_end.wait(), WITHIN_S)
    service.process.send_signal(signal.SIGTERM)
    service.process.send_signal(signal.SIGTERM)  # a service manager and a supervisor both do
    assert await asyncio.gather(*calling) == ["rested", "rested"]
    lines = await asyncio.wait_for(listening, WITHIN_S)
    assert "event: tool_call.decided" in lines
    assert await asyncio.to_thread(service.process.wait, WITHIN_S) == 0
    assert steps(service) == [*STEPS]
    recorded = await asyncio.to_thread(house.gatetrail, "events", "--limit", "0", "--format", "json")
    assert path.read_text() == recorded.out
    ended = [one for one in map(json.loads, recorded.out.splitlines()) if one["event_name"] == "tool_call.completed"]
    assert [one["execution_status"] for one in ended if one["tool_name"] == "nap"] == ["success", "success"]


async def cut_off(url: str, bearer: str, mode: str) -> None:
    """Call a tool that takes longer than anybody waits."""
    async with client(url, bearer, mode) as one:
        await called(one, "nap", seconds=60)


async def outcomes(house: House) -> list[tuple[str, str]]:
    found = await asyncio.to_thread(
        house.gatetrail, "events", "--event", "tool_call.completed", "--tool", "nap", "--format", "json"
    )
    return [(one["execution_status"], one["error_class"]) for one in found.objects]


@pytest.mark.parametrize("again", [False, True], ids=["after the grace", "at another Ctrl-C"])
async def test_calls_that_take_too_long_are_cut_short_and_that_is_recorded(house: House, again: bool) -> None:
    house.settle(grace_s=20 if again else 1, drain_s=0)
    service = house.serve()
    url = await asyncio.to_thread(is_up, service)
    bearer = await asyncio.to_thread(house.token)
    napping = [asyncio.create_task(cut_off(url, bearer, mode)) for mode in MODES]
    await in_flight(house, len(MODES))
    elapsed_s = stopwatch()
    service.process.send_signal(signal.SIGINT)
    if again:
        await asyncio.to_thread(service.err.wait_for, lambda lines: STEPS[0] in lines)
        service.process.send_signal(signal.SIGINT)
    assert await asyncio.to_thread(service.process.wait, WITHIN_S) == 0
    assert elapsed_s() < 15
    answers = await asyncio.gather(*napping, return_exceptions=True)
    assert all(isinstance(answer, BaseException) for answer in answers)
    assert steps(service)[-1] == "Ending: the journal closes."
    assert await outcomes(house) == [("failed", "cancelled")] * len(MODES)


async def test_workers_let_their_calls_finish_too(house: House) -> None:
    house.settle(grace_s=20)
    service = house.serve("--workers", "2")
    url = await asyncio.to_thread(is_up, service)
    bearer = await asyncio.to_thread(house.token)
    await asyncio.to_thread(service.err.wait_for, lambda lines: any("workers answer" in line for line in lines))
    may_end = asyncio.Event()
    calling = [asyncio.create_task(naps(house, url, bearer, mode, may_end)) for mode in MODES]
    await asyncio.wait_for(may_end.wait(), WITHIN_S)
    service.process.send_signal(signal.SIGTERM)
    assert await asyncio.gather(*calling) == ["rested", "rested"]
    assert await asyncio.to_thread(service.process.wait, WITHIN_S) == 0
    assert steps(service) == [
        "Ending: nothing new is accepted; calls in flight get 20 s to finish, then sinks 5 s.",
        "Ending: all workers have ended.",
    ]
