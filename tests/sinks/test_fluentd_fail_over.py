"""The Fluentd sink when receivers go, come back, and hang."""

from __future__ import annotations

import asyncio
import socket
import sys
from collections.abc import Generator
from contextlib import AsyncExitStack, contextmanager
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from gatetrail.errors import SinkUnavailable
from gatetrail.testing import ManualClock
from gatetrail.tls import ClientTls
from gatetrail_sinks.fluentd import FluentdReceiver, FluentdSettings, FluentdSink
from tests.entries import make_entries
from tests.require import require_or_skip
from tests.sinks.fluentd_scripted import Door, ScriptedPeer, acknowledges, hangs_up, says_nothing, scripted
from tests.sinks.fluentd_server import FluentdServer

pytestmark = pytest.mark.anyio

LOCAL = "127.0.0.1"


def sink_to(*ports: int, clock: ManualClock | None = None, **over: Any) -> FluentdSink:
    receivers = tuple(FluentdReceiver(host=LOCAL, port=port) for port in ports)
    settings = FluentdSettings(receivers=receivers, **over)
    return FluentdSink("fluentd", settings, monotonic_s=(clock or ManualClock()).monotonic_s)


def counts(*peers: ScriptedPeer) -> list[int]:
    return [len(peer.frames) for peer in peers]


async def free_port() -> int:
    async with scripted() as peer:
        return peer.port


@pytest.mark.requirement("E9")
async def test_the_next_receiver_takes_over_at_once_and_the_first_is_returned_to_after_a_while() -> None:
    clock, entries = ManualClock(), await make_entries(5)
    port = await free_port()
    async with scripted() as second, AsyncExitStack() as later:
        sink = sink_to(port, second.port, clock=clock, return_after_ms=60_000)
        await sink.write(entries[:1])
        first = await later.enter_async_context(scripted(port=port))
        await sink.write(entries[1:2])
        assert counts(first, second) == [0, 2]
        clock.advance(61)
        await sink.write(entries[2:3])
        await sink.write(entries[3:4])
        assert counts(first, second) == [2, 2]
        await sink.close()


async def test_a_first_receiver_that_is_still_away_costs_the_second_one_not_even_its_connection() -> None:
    clock, entries = ManualClock(), await make_entries(3)
    async with scripted() as second:
        sink = sink_to(await free_port(), second.port, clock=clock, return_after_ms=60_000)
        for entry in entries:
            await sink.write([entry])
            clock.advance(61)
        await sink.close()
    assert [frame.connection for frame in second.frames] == [1, 1, 1]


async def test_a_receiver_that_does_not_acknowledge_is_told_of_and_the_next_try_goes_to_another() -> None:
    entries = await make_entries(2)
    async with scripted(hangs_up) as first, scripted() as second:
        sink = sink_to(first.port, second.port)
        with pytest.raises(SinkUnavailable, match=f"{LOCAL}:{first.port}: closed the connection"):
            await sink.write(entries)
        await sink.write(entries)
        await sink.close()
    assert first.chunks == second.chunks


async def test_when_none_works_each_is_named_and_the_one_that_failed_first_is_asked_first() -> None:
    clock, entries = ManualClock(), await make_entries(1)
    ports = [await free_port() for _ in range(2)]
    sink = sink_to(*ports, clock=clock)
    for _ in range(2):
        with pytest.raises(SinkUnavailable) as told:
            await sink.write(entries)
        assert str(told.value) == "; ".join(f"{LOCAL}:{port}: Connection refused" for port in ports)
        clock.advance(1)
    async with scripted(port=ports[1]) as second:
        await sink.write(entries)
        assert counts(second) == [1]
    await sink.close()


async def test_all_addresses_of_a_name_are_tried(monkeypatch: pytest.MonkeyPatch) -> None:
    closed = await free_port()
    entries = await make_entries(1)
    async with scripted() as peer:
        found = socket.getaddrinfo

        def two_addresses(_: str, port: int, **over: Any) -> list[Any]:
            return [answer for one in (closed, port) for answer in found(LOCAL, one, **over)]

        monkeypatch.setattr(socket, "getaddrinfo", two_addresses)
        sink = FluentdSink("fluentd", FluentdSettings(receivers=(FluentdReceiver(host="any", port=peer.port),)))
        await sink.write(entries)
        await sink.close()
        assert counts(peer) == [1]


@pytest.mark.node
async def test_ipv6(tmp_path: Path) -> None:
    require_or_skip(has_ipv6(), "this machine has no IPv6")
    server = FluentdServer(tmp_path, host="::1")
    await server.start()
    entries = await make_entries(3)
    sink = FluentdSink("fluentd", FluentdSettings(receivers=(FluentdReceiver(host="::1", port=server.port),)))
    await sink.write(entries)
    assert await server.records() == [entry.line for entry in entries]
    await server.kill()
    with pytest.raises(SinkUnavailable, match=rf"\[::1\]:{server.port}: "):
        await sink.write(entries)
    await sink.close()


def has_ipv6() -> bool:
    try:
        socket.create_server(("::1", 0), family=socket.AF_INET6).close()
    except OSError:
        return False
    return True


@contextmanager
def full_listener() -> Generator[int]:
    """A port where connecting hangs, since nobody accepts and the queue is full."""
    with socket.create_server((LOCAL, 0), backlog=0) as listener:
        port = listener.getsockname()[1]
        waiting = [socket.socket() for _ in range(4)]
        for sock in waiting:
            sock.setblocking(False)
            sock.connect_ex((LOCAL, port))
        try:
            yield port
        finally:
            for sock in waiting:
                sock.close()


@contextmanager
def silent_listener() -> Generator[int]:
    """A port where connecting works, and then nothing happens."""
    with socket.create_server((LOCAL, 0)) as listener:
        yield listener.getsockname()[1]


HANGS: dict[str, tuple[Any, dict[str, Any]]] = {
    "acknowledgement": (silent_listener, {}),
    "TLS": (silent_listener, {"tls": ClientTls(verify=False)}),
    "HELO": (silent_listener, {"shared_key": SecretStr("k")}),
}
if sys.platform == "linux":
    HANGS["connect"] = (full_listener, {})


@pytest.mark.parametrize("where", HANGS)
async def test_a_write_that_hangs_is_cut_off_and_over_before_the_next_one(where: str) -> None:
    listener, over = HANGS[where]
    entries = await make_entries(2)
    async with scripted() as good:
        with listener() as port:
            sink = sink_to(port, good.port, ack_timeout_ms=60_000, connect_timeout_ms=60_000, **over)
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(0.1):
                    await sink.write(entries)
            async with asyncio.timeout(5):
                if not over:
                    await sink.write(entries)
                    assert counts(good) == [1]
                await sink.close()


@pytest.mark.parametrize("where", HANGS)
async def test_closing_ends_a_write_that_hangs(where: str) -> None:
    listener, over = HANGS[where]
    with listener() as port:
        sink = sink_to(port, ack_timeout_ms=60_000, connect_timeout_ms=60_000, **over)
        writing = asyncio.create_task(sink.write(await make_entries(1)))
        await asyncio.sleep(0.05)
        async with asyncio.timeout(5):
            await sink.close()
            with pytest.raises(SinkUnavailable):
                await writing


@pytest.mark.parametrize("where", HANGS)
async def test_every_wait_has_its_limit(where: str) -> None:
    listener, over = HANGS[where]
    with listener() as port:
        sink = sink_to(port, ack_timeout_ms=200, connect_timeout_ms=200, **over)
        async with asyncio.timeout(5):
            with pytest.raises(SinkUnavailable, match=f"{port}: .*(within 0.2 s|did not begin with HELO)"):
                await sink.write(await make_entries(1))
        await sink.close()


async def test_the_event_loop_runs_on_while_a_receiver_hangs() -> None:
    entries = await make_entries(1)
    async with scripted(says_nothing) as peer:
        sink = sink_to(peer.port, ack_timeout_ms=300)
        writing, turns = asyncio.create_task(sink.write(entries)), 0
        while not writing.done():
            await asyncio.sleep(0.001)
            turns += 1
        assert turns > 50
        assert isinstance(writing.exception(), SinkUnavailable)
        await sink.close()


async def test_a_receiver_that_wants_no_lasting_connections_gets_one_for_each_batch() -> None:
    entries = await make_entries(3)
    async with scripted(acknowledges, door=Door(b"key", keepalive=False)) as peer:
        sink = sink_to(peer.port, shared_key=SecretStr("key"))
        for entry in entries:
            await sink.write([entry])
        await sink.close()
    assert [frame.connection for frame in peer.frames] == [1, 2, 3]


async def test_failures_leave_no_sockets_behind() -> None:
    require_or_skip(sys.platform == "linux", "looks at Linux's list of open files")
    entries = await make_entries(1)
    async with scripted(hangs_up) as peer:
        sink = sink_to(await free_port(), peer.port)
        opened: list[int] = []
        for _ in range(20):
            with pytest.raises(SinkUnavailable):
                await sink.write(entries)
            opened.append(len(list(Path("/proc/self/fd").iterdir())))
        await sink.close()
    assert max(opened[5:]) <= max(opened[:5]) + 2
