"""A listening socket that somebody else holds open: a call that comes while no service runs is answered by the next."""

from __future__ import annotations

import asyncio
import os
import socket
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from tests.cli.conftest import WITHIN_S, Gatetrail, Running
from tests.lifecycle.conftest import MODES, SYSTEMD_SHIM, House, Mode, called, client, is_up
from tests.mcp.wire import MODERN, Wire

pytestmark = [pytest.mark.anyio, pytest.mark.postgres, pytest.mark.slow]

Listener = tuple[socket.socket, str]


@contextmanager
def at_three(listener: socket.socket) -> Generator[socket.socket]:
    """The same socket under the number at which systemd hands it over; what stood there stands there again after."""
    before = os.dup(3)
    os.dup2(listener.fileno(), 3)
    held = socket.socket(fileno=3)
    try:
        yield held
    finally:
        held.detach()
        os.dup2(before, 3)
        os.close(before)


async def ended(service: Running) -> int:
    return await asyncio.to_thread(service.end)


async def more_than(answers: list[str], count: int) -> None:
    async with asyncio.timeout(WITHIN_S):
        while len(answers) <= count:  # noqa: ASYNC110 several callers add to it
            await asyncio.sleep(0.01)


@pytest.mark.parametrize(("mode", "by_systemd"), [*zip(MODES, (False, True), strict=True)], ids=["parent", "systemd"])
async def test_a_client_that_asks_while_no_service_runs_is_answered_by_the_next(
    house: House, listener: Listener, mode: Mode, by_systemd: bool
) -> None:
    house.settle()
    held, url = listener
    with at_three(held) if by_systemd else held as given:
        first = house.serve(listener=given, by_systemd=by_systemd)
        assert await asyncio.to_thread(is_up, first) == url
        bearer = await asyncio.to_thread(house.token)
        async with client(url, bearer, "auto") as modern:
            before = await called(modern, "who")
            assert await ended(first) == 0

            async def ask_anew() -> str:
                async with client(url, bearer, mode) as one:
                    return await called(one, "who")

            # The client of the era without sessions goes on as if nothing had been; another one connects meanwhile.
            waiting = [asyncio.create_task(called(modern, "who")), asyncio.create_task(ask_anew())]
            done, _ = await asyncio.wait(waiting, timeout=0.3)
            assert not done
            second = house.serve(listener=given, by_systemd=by_systemd)
            answers = set(await asyncio.wait_for(asyncio.gather(*waiting), WITHIN_S))
            assert len(answers) == 1
            assert before not in answers
        assert await ended(second) == 0


async def test_no_call_fails_while_the_service_is_restarted_under_load(house: House, listener: Listener) -> None:
    house.settle()
    held, url = listener
    service = house.serve(listener=held)
    await asyncio.to_thread(is_up, service)
    bearer = await asyncio.to_thread(house.token)
    enough, answers = asyncio.Event(), list[str]()

    async def ask() -> None:
        while not enough.is_set():
            async with httpx.AsyncClient(timeout=WITHIN_S) as http:
                answer = await Wire(http, f"{url}/mcp/own", MODERN, bearer).call("who")
                answers.append(answer.result["content"][0]["text"])

    async with asyncio.timeout(3 * WITHIN_S), asyncio.TaskGroup() as callers:
        for _ in range(8):
            callers.create_task(ask())
        await more_than(answers, 20)
        assert await ended(service) == 0
        service = house.serve(listener=held)
        await more_than(answers, len(answers) + 20)
        enough.set()
    assert len(set(answers)) == 2
    assert await ended(service) == 0


def test_what_is_handed_over_and_is_no_listening_socket_is_told(offline: Gatetrail, tmp_path: Path) -> None:
    with (tmp_path / "file").open("w") as file, socket.socket() as idle:
        for descriptor, problem in ((file.fileno(), "is no socket"), (idle.fileno(), "is no listening TCP socket")):
            service = offline.start("serve", pass_fds=(descriptor,), GATETRAIL_LISTEN_FD=str(descriptor))
            assert service.process.wait(WITHIN_S) == 2
            assert service.err.wait_for(lambda lines, problem=problem: any(problem in line for line in lines))  # type: ignore[misc]


@pytest.mark.parametrize(
    ("variables", "problem"),
    [
        ({"GATETRAIL_LISTEN_FD": "three"}, "GATETRAIL_LISTEN_FD: 'three' is no number"),
        ({"GATETRAIL_LISTEN_FD": "9" * 30}, "GATETRAIL_LISTEN_FD: '999999999999999999999999999999' is no number"),
        ({"LISTEN_FDS": "2"}, "LISTEN_FDS: 2 sockets were handed over; expected one"),
    ],
)
def test_a_handover_that_makes_no_sense_is_told(offline: Gatetrail, variables: dict[str, str], problem: str) -> None:
    shown = [f"{name}={value}" for name, value in variables.items()]
    service = offline.start("serve", by=("env", *shown, *SYSTEMD_SHIM))
    assert service.process.wait(WITHIN_S) == 2
    assert service.err.wait_for(lambda lines: any(problem in line for line in lines))
