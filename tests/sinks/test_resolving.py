"""From names to addresses: a resolver that hangs, names that no host can have, addresses that swallow everything."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable, Generator
from contextlib import contextmanager
from threading import Event
from typing import Any

import pytest

from gatetrail.delivery.sink import Sink
from gatetrail.errors import SinkUnavailable
from gatetrail_sinks.fluentd import FluentdReceiver, FluentdSettings, FluentdSink
from gatetrail_sinks.otlp import OtlpSettings, OtlpSink
from gatetrail_sinks.syslog import SyslogSettings, SyslogSink, TransportKind
from tests.entries import make_entries
from tests.sinks.syslog_streams import octet_counted, stream_server

pytestmark = [pytest.mark.anyio, pytest.mark.requirement("E10")]

LOCAL = "127.0.0.1"
LIMIT_MS = 100
TRIES = 8
MakeSink = Callable[[str], Sink]


def to_fluentd(host: str) -> Sink:
    return FluentdSink("fluentd", FluentdSettings(receivers=(FluentdReceiver(host=host),), connect_timeout_ms=LIMIT_MS))


def to_otlp(host: str) -> Sink:
    return OtlpSink("otlp", OtlpSettings(endpoint=f"http://{host}:4318/v1/logs", timeout_ms=LIMIT_MS))


def to_syslog(transport: TransportKind) -> MakeSink:
    return lambda host: SyslogSink(
        "syslog", SyslogSettings(host=host, transport=transport, connect_timeout_ms=LIMIT_MS)
    )


EVERY_SINK = pytest.mark.parametrize(
    "make_sink",
    [to_fluentd, to_otlp, to_syslog(TransportKind.RELP), to_syslog(TransportKind.UDP)],
    ids=["fluentd", "otlp", "relp", "udp"],
)


@EVERY_SINK
async def test_a_resolver_that_hangs_takes_no_thread_from_others_and_is_not_asked_again(
    make_sink: MakeSink, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []
    answer = Event()

    def hang(host: str, *_: Any, **__: Any) -> list[Any]:
        asked.append(host)
        answer.wait(30)
        raise socket.gaierror(socket.EAI_AGAIN, "nobody answers")

    monkeypatch.setattr(socket, "getaddrinfo", hang)
    sink = make_sink("siem.example")
    entries = await make_entries(1)
    try:
        async with asyncio.timeout(20):
            for _ in range(TRIES):
                with pytest.raises(SinkUnavailable):
                    await sink.write(entries)
            await asyncio.to_thread(int)
            await sink.close()
        assert len(asked) == 1
    finally:
        answer.set()


@EVERY_SINK
async def test_a_name_that_no_host_can_have_is_not_held_against_the_events(make_sink: MakeSink) -> None:
    sink = make_sink("x" * 70)
    with pytest.raises(SinkUnavailable, match=f"{'x' * 70}' cannot be the name of a host"):
        await sink.write(await make_entries(1))
    await sink.close()


@contextmanager
def swallowing_port() -> Generator[int]:
    """Connections to it neither come about nor fail: nobody takes those that wait already."""
    with socket.create_server((LOCAL, 0), backlog=0) as server:
        port: int = server.getsockname()[1]
        waiting = [socket.socket() for _ in range(4)]
        for one in waiting:
            one.setblocking(False)
            one.connect_ex((LOCAL, port))
        try:
            yield port
        finally:
            for one in waiting:
                one.close()


async def test_an_address_that_swallows_everything_leaves_later_ones_their_time(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    arrived: asyncio.Queue[bytes] = asyncio.Queue()
    found = socket.getaddrinfo

    async def take(reader: asyncio.StreamReader, _: asyncio.StreamWriter) -> None:
        arrived.put_nowait(await octet_counted(reader))

    with swallowing_port() as dead_port:

        def two_addresses(_: str, port: int, *rest: Any, **over: Any) -> list[Any]:
            return [answer for one in (dead_port, port) for answer in found(LOCAL, one, *rest, **over)]

        async with stream_server(take) as port:
            monkeypatch.setattr(socket, "getaddrinfo", two_addresses)
            settings = SyslogSettings(
                host="siem.example", transport=TransportKind.TCP, port=port, connect_timeout_ms=1_000
            )
            sink = SyslogSink("syslog", settings)
            await sink.write(await make_entries(1))
            assert await asyncio.wait_for(arrived.get(), 10)
            await sink.close()


async def test_a_datagram_goes_to_the_next_address_when_there_is_no_way_to_the_first(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    found = socket.getaddrinfo
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as receiver:
        receiver.bind((LOCAL, 0))
        receiver.settimeout(10)

        def two_addresses(_: str, port: int, *rest: Any, **over: Any) -> list[Any]:
            # To connect to the broadcast address takes an option that the sink does not set.
            return [answer for one in ("255.255.255.255", LOCAL) for answer in found(one, port, *rest, **over)]

        monkeypatch.setattr(socket, "getaddrinfo", two_addresses)
        port = receiver.getsockname()[1]
        sink = SyslogSink("syslog", SyslogSettings(host="siem.example", transport=TransportKind.UDP, port=port))
        entries = await make_entries(1)
        with pytest.raises(SinkUnavailable, match="Permission denied"):
            await sink.write(entries)
        await sink.write(entries)
        assert entries[0].line in await asyncio.to_thread(receiver.recv, 65_536)
        await sink.close()
