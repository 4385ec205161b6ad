"""The Fluentd sink: what it puts on the wire, and what it takes for an acknowledgement."""

from __future__ import annotations

import asyncio
import socket
import struct
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any

import orjson
import pytest

from gatetrail.errors import EventRefused, SinkUnavailable
from gatetrail.events.journal import Entry
from gatetrail.events.outgoing import Render, native
from gatetrail.events.wire import canonical
from gatetrail_sinks.fluentd import FluentdReceiver, FluentdSettings, FluentdSink
from tests.entries import NASTY, make_entries
from tests.sinks.fluentd_scripted import (
    Answer,
    ScriptedPeer,
    acknowledges,
    hangs_up,
    pack,
    says_nothing,
    scripted,
)

pytestmark = pytest.mark.anyio

LINE = b'{"@timestamp":"2026-01-31T08:00:00.123456Z","event_id":"1"}'


@asynccontextmanager
async def sink_to(*peers: ScriptedPeer, render: Render = native, **over: Any) -> AsyncGenerator[FluentdSink]:
    receivers = tuple(FluentdReceiver(host="127.0.0.1", port=peer.port) for peer in peers)
    sink = FluentdSink("fluentd", FluentdSettings(receivers=receivers, **over), render)
    try:
        yield sink
    finally:
        await sink.close()


def entry_of(line: bytes, seq: int = 1) -> Entry:
    return Entry(seq, "tool_call.decided", line)


def records_of(peer: ScriptedPeer) -> list[Any]:
    return [record for frame in peer.frames for _, record in frame.pairs()]


@pytest.mark.requirement("E9")
async def test_a_batch_is_one_packed_frame_with_chunk_and_size() -> None:
    entries = await make_entries(7)
    async with scripted() as peer, sink_to(peer, tag="audit.finance") as sink:
        await sink.write(entries)
    (frame,) = peer.frames
    assert (frame.tag, frame.options["size"], set(frame.options)) == ("audit.finance", 7, {"size", "chunk"})
    assert [record for _, record in frame.pairs()] == [orjson.loads(entry.line) for entry in entries]


async def test_the_time_of_an_event_is_its_own_to_the_last_digit_in_the_protocols_nanoseconds() -> None:
    async with scripted() as peer, sink_to(peer) as sink:
        await sink.write([entry_of(LINE)])
    ((moment, _),) = peer.frames[0].pairs()
    seconds = int(datetime(2026, 1, 31, 8, tzinfo=UTC).timestamp())
    assert (moment.code, moment.data) == (0, struct.pack(">II", seconds, 123_456_000))


@pytest.mark.requirement("E5")
async def test_a_record_gives_the_journals_bytes_again_whatever_is_in_it() -> None:
    entries = await make_entries(4 * len(NASTY))
    async with scripted() as peer, sink_to(peer) as sink:
        await sink.write(entries)
    assert [canonical(record) for record in records_of(peer)] == [entry.line for entry in entries]


async def test_a_rendering_as_json_becomes_the_record_and_any_other_line_its_message() -> None:
    entries = await make_entries(2)
    texts = {
        1: b'{"@timestamp":"1999-01-01T00:00:00Z","event":{"kind":"event"}}',
        2: "CEF:0|Gatetrail|ünïcödé=\\=|".encode(),
    }

    def render(entry: Entry) -> bytes:
        return texts[entry.seq]

    async with scripted() as peer, sink_to(peer, render=render) as sink:
        await sink.write(entries)
    assert records_of(peer) == [orjson.loads(texts[1]), {"message": texts[2].decode()}]
    seconds = [struct.unpack(">II", moment.data)[0] for moment, _ in peer.frames[0].pairs()]
    expected = [datetime.fromisoformat(orjson.loads(entry.line)["@timestamp"]) for entry in entries]
    assert seconds == [int(moment.timestamp()) for moment in expected]


@pytest.mark.parametrize(
    "line",
    [
        b"no JSON",
        LINE[:-1],
        b'{"event_id":"1"}',
        LINE.replace(b"2026-01-31T08:00:00.123456Z", b"tomorrow"),
        LINE.replace(b"2026", b"1969"),
        LINE.replace(b"2026", b"2107"),
        LINE.replace(b'"1"', b"NaN"),
        LINE.replace(b'"1"', b'"\\ud800"'),
        LINE.replace(b'"1"', b"[" * 2_000 + b"]" * 2_000),
        b"\xff" + LINE,
    ],
)
async def test_what_can_never_be_sent_is_refused_after_those_before_it_are_acknowledged(line: bytes) -> None:
    entries = list(await make_entries(4))
    async with scripted() as peer, sink_to(peer) as sink:
        with pytest.raises(EventRefused) as refused:
            await sink.write([*entries[:2], entry_of(line, 3), entries[3]])
        assert refused.value.seq == 3
        assert [record["seq"] for record in records_of(peer)] == [1, 2]
        with pytest.raises(EventRefused):
            await sink.write([entry_of(line, 3)])
        assert len(peer.frames) == 1


@pytest.mark.requirement("E9")
async def test_a_batch_that_comes_again_has_the_same_chunk_and_bytes_and_another_one_another() -> None:
    entries = await make_entries(5)
    async with scripted(hangs_up, acknowledges) as peer, sink_to(peer) as sink:
        with pytest.raises(SinkUnavailable):
            await sink.write(entries[:4])
        await sink.write(entries[:4])
        await sink.write(entries[:3])
        await sink.write(entries[1:4])
    async with scripted() as other, sink_to(other) as next_life:
        await next_life.write(entries[:4])
    first, again, *rest = peer.frames
    assert (first.entries, first.options) == (again.entries, again.options)
    assert len({*peer.chunks}) == 3
    assert other.chunks == [first.options["chunk"]]
    assert len(rest) == 2


MISBEHAVIOURS: dict[str, tuple[Answer, str]] = {
    "hangs up": (hangs_up, "closed the connection before it answered"),
    "says nothing": (says_nothing, r"did not acknowledge 3 events within 0\.3 s"),
    "half an acknowledgement": (lambda chunk: acknowledges(chunk)[:-3], "did not acknowledge 3 events"),
    "acknowledges another": (lambda _: acknowledges("another"), "something else than the acknowledgement"),
    "acknowledges twice as much": (lambda chunk: acknowledges(chunk + chunk), "something else than"),
    "an empty map": (lambda _: pack({}), "something else than"),
    "a number for an acknowledgement": (lambda _: pack({"ack": 1}), "something else than"),
    "a list": (lambda _: pack(["ack"]), "something else than"),
    "a number": (lambda _: pack(1), "not the forward protocol"),
    "HELO": (lambda _: pack(["HELO", {"nonce": b"1"}]), "asks for a shared key, and none is configured"),
    "HTTP": (lambda _: b"HTTP/1.1 400 Bad Request\r\n\r\n", "not the forward protocol"),
    "no msgpack": (lambda _: b"\xc1", "not the forward protocol"),
    "keys that are no keys": (lambda _: b"\x81\x90\x01", "not the forward protocol"),
    "deeper than deep": (lambda _: b"\x91" * 60_000, "not the forward protocol"),
    "a text without end": (lambda _: b"\xdb\xff\xff\xff\xff" + b"x" * 200_000, "not the forward protocol"),
}


@pytest.mark.requirement("E9")
@pytest.mark.parametrize("misbehaviour", MISBEHAVIOURS)
async def test_nothing_but_the_acknowledgement_of_the_very_batch_counts(misbehaviour: str) -> None:
    answer, told = MISBEHAVIOURS[misbehaviour]
    entries = await make_entries(3)
    async with scripted(answer, acknowledges) as peer, sink_to(peer, ack_timeout_ms=300) as sink:
        with pytest.raises(SinkUnavailable, match=told) as problem:
            await sink.write(entries)
        assert str(peer.port) in str(problem.value)
        await sink.write(entries)
    assert [frame.connection for frame in peer.frames] == [1, 2]
    assert len(set(peer.chunks)) == 1


async def test_an_acknowledgement_that_comes_twice_is_not_one_for_the_next_batch() -> None:
    entries = await make_entries(2)
    async with scripted(lambda chunk: acknowledges(chunk) * 2, hangs_up, acknowledges) as peer, sink_to(peer) as sink:
        await sink.write(entries[:1])
        with pytest.raises(SinkUnavailable):
            await sink.write(entries[1:])
        await sink.write(entries[1:])


async def test_a_connection_that_ends_within_a_frame_is_reported_and_all_of_it_comes_again() -> None:
    entries = await make_entries(200)
    async with scripted(hang_up_after_bytes=1_000) as peer, sink_to(peer) as sink:
        with pytest.raises(SinkUnavailable):
            await sink.write(entries)
        await sink.write(entries)
    assert [record["seq"] for record in records_of(peer)] == list(range(1, 201))


async def test_an_idle_connection_that_the_receiver_has_closed_is_opened_anew_without_a_failure() -> None:
    entries = await make_entries(4)
    async with scripted() as peer, sink_to(peer) as sink:
        await sink.write(entries[:1])
        await sink.write(entries[1:2])
        peer.hang_up()
        await settled(lambda: peer.open_connections == 0)
        await sink.write(entries[2:])
    assert [frame.connection for frame in peer.frames] == [1, 1, 2]


async def settled(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(10):
        while True:
            if condition():
                return
            await asyncio.sleep(0.01)


async def test_a_receiver_that_accepts_and_reads_nothing_does_not_hold_a_large_batch_for_ever() -> None:
    line = LINE.replace(b'"1"', b'"' + b"x" * 9_000_000 + b'"')
    listener = socket.create_server(("127.0.0.1", 0))
    receiver = FluentdReceiver(host="127.0.0.1", port=listener.getsockname()[1])
    sink = FluentdSink("fluentd", FluentdSettings(receivers=(receiver,), ack_timeout_ms=300))
    with pytest.raises(SinkUnavailable, match="did not acknowledge 1 events within"):
        async with asyncio.timeout(20):
            await sink.write([entry_of(line)])
    await sink.close()
    listener.close()


@pytest.mark.parametrize("host", ["127.0.0.1", "a..b", "x" * 300])
async def test_a_receiver_that_cannot_be_reached_is_named_with_the_reason(host: str) -> None:
    async with scripted() as peer:
        port = peer.port
    sink = FluentdSink("fluentd", FluentdSettings(receivers=(FluentdReceiver(host=host, port=port),)))
    with pytest.raises(SinkUnavailable, match=f"^{host}:{port}: .+") as told:
        await sink.write([entry_of(LINE)])
    assert "\n" not in str(told.value)
    await sink.close()


async def test_a_batch_of_nothing_needs_no_receiver() -> None:
    sink = FluentdSink("fluentd", FluentdSettings(receivers=(FluentdReceiver(host="127.0.0.1", port=1),)))
    await sink.write([])
    await sink.close()
