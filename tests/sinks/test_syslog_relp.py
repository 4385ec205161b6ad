"""RELP: what counts as delivered, and receivers that misbehave as told."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from pathlib import Path

import pytest

from gatetrail.errors import EventRefused, SinkUnavailable
from gatetrail_sinks.syslog import TransportKind
from tests.entries import make_entries
from tests.sinks.places.syslog import settings_for
from tests.sinks.relp_receiver import relp_receiver, taken
from tests.sinks.rsyslog import Rsyslog
from tests.sinks.syslog_streams import local, sink_to, stream_server

pytestmark = [pytest.mark.anyio, pytest.mark.requirement("E9")]


@pytest.fixture
async def receiver(tmp_path: Path) -> AsyncGenerator[Rsyslog]:
    receiver = Rsyslog(tmp_path)
    await receiver.start()
    yield receiver
    await receiver.kill()


def nothing(_: bytes) -> bytes | None:
    return None


def full(_: bytes) -> bytes | None:
    return b"500 disk full"


def all_but_two(message: bytes) -> bytes | None:
    return None if b'seq="2"' in message else b"200 OK"


def two_is_strange(message: bytes) -> bytes | None:
    return b"500 too strange" if b'seq="2"' in message else b"200 OK"


class TestRelp:
    async def test_nothing_counts_before_its_answer(self) -> None:
        async with (
            relp_receiver(answer=nothing) as receiver,
            sink_to(local(TransportKind.RELP, receiver.port)) as sink,
        ):
            with pytest.raises(SinkUnavailable, match=r"answered nothing within 0\.3 s"):
                await sink.write(await make_entries(2))
        assert len(receiver.messages) == 2

    async def test_one_answer_missing_is_not_enough(self) -> None:
        async with (
            relp_receiver(answer=all_but_two) as receiver,
            sink_to(local(TransportKind.RELP, receiver.port)) as sink,
        ):
            with pytest.raises(SinkUnavailable):
                await sink.write(await make_entries(3))

    async def test_what_was_not_answered_comes_again_over_a_new_connection(self) -> None:
        entries = await make_entries(10)
        async with (
            relp_receiver(drop_after=4, hold_back=2) as receiver,
            sink_to(local(TransportKind.RELP, receiver.port)) as sink,
        ):
            with pytest.raises(SinkUnavailable):
                await sink.write(entries)
            await sink.write(entries)
        assert receiver.sessions == 2
        last = receiver.messages[-10:]
        assert [message.partition(b"] ")[2] for message in last] == [entry.line for entry in entries]

    @pytest.mark.parametrize("window", [1, 2, 7])
    async def test_no_more_than_the_window_is_without_an_answer(self, window: int) -> None:
        waiting, most = 0, 0
        gate = asyncio.Event()

        async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            nonlocal waiting, most
            await reader.readuntil(b"commands=syslog\n")
            writer.write(b"1 rsp 22 200 OK\ncommands=syslog\n")
            unanswered: list[bytes] = []
            while data := await reader.read(1_000_000):
                unanswered += [line.split(b" ")[0] for line in data.split(b"\n") if b" syslog " in line]
                waiting = len(unanswered)
                most = max(most, waiting)
                if gate.is_set():
                    writer.write(b"".join(b"%b rsp 6 200 OK\n" % number for number in unanswered))
                    unanswered.clear()
            writer.close()

        async with (
            stream_server(serve) as port,
            sink_to(local(TransportKind.RELP, port, relp_window=window)) as sink,
        ):
            with pytest.raises(SinkUnavailable):
                await sink.write(await make_entries(20))
            assert waiting == window
            gate.set()
            await sink.write(await make_entries(20))
        assert most == window

    async def test_transaction_numbers_go_up_by_one_and_begin_anew_with_each_connection(self) -> None:
        async with relp_receiver() as receiver:
            for _ in range(2):
                async with sink_to(local(TransportKind.RELP, receiver.port)) as sink:
                    await sink.write(await make_entries(3))
        assert receiver.transactions == [1, 2, 3, 4, 5] * 2
        assert receiver.commands == [b"open", b"syslog", b"syslog", b"syslog", b"close"] * 2

    async def test_a_new_session_begins_before_the_numbers_run_out(
        self, receiver: Rsyslog, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("gatetrail_sinks.syslog.relp.MAX_TRANSACTION", 6)
        entries = await make_entries(12)
        async with sink_to(settings_for(receiver, TransportKind.RELP)) as sink:
            for start in range(0, 12, 3):
                await sink.write(entries[start : start + 3])
        assert await receiver.lines(12) == [entry.line for entry in entries]
        assert "error" not in receiver.said().lower()

    async def test_answers_may_come_in_any_order(self) -> None:
        async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await reader.readuntil(b"commands=syslog\n")
            writer.write(b"1 rsp 22 200 OK\ncommands=syslog\n")
            for _ in range(3):
                await reader.readline()
            writer.write(b"4 rsp 6 200 OK\n2 rsp 6 200 OK\n3 rsp 6 200 OK\n")
            await reader.read()
            writer.close()

        async with stream_server(serve) as port, sink_to(local(TransportKind.RELP, port)) as sink:
            await sink.write(await make_entries(3))

    async def test_a_message_that_alone_is_refused_is_told_by_its_seq_after_the_others_were_taken(self) -> None:
        entries = await make_entries(4)
        async with (
            relp_receiver(answer=two_is_strange) as receiver,
            sink_to(local(TransportKind.RELP, receiver.port)) as sink,
        ):
            for batch in (entries, entries[1:2], entries[1:2]):
                with pytest.raises(EventRefused, match="500 too strange") as refused:
                    await sink.write(batch)
                assert refused.value.seq == 2
            await sink.write(entries[2:])
        assert receiver.sessions == 1

    async def test_a_receiver_that_refuses_everything_is_away(self) -> None:
        async with (
            relp_receiver(answer=full) as receiver,
            sink_to(local(TransportKind.RELP, receiver.port)) as sink,
        ):
            for count in (1, 3):
                with pytest.raises(SinkUnavailable, match="500 disk full"):
                    await sink.write(await make_entries(count))
            receiver.answer = taken
            await sink.write(await make_entries(3))

    @pytest.mark.parametrize(
        ("greeting", "why"),
        [
            (b"500 no", "refused the session: 500 no"),
            (b"200 OK\nrelp_version=0\ncommands=eventlog", "does not offer the command syslog"),
            (b"", "refused the session: an empty answer"),
            (None, r"within 0\.\d s"),
        ],
    )
    async def test_a_greeting_that_does_not_fit_is_told(self, greeting: bytes | None, why: str) -> None:
        async with (
            relp_receiver(greeting=greeting) as receiver,
            sink_to(local(TransportKind.RELP, receiver.port)) as sink,
        ):
            with pytest.raises(SinkUnavailable, match=why):
                await sink.write(await make_entries(1))

    async def test_a_session_that_the_receiver_ended_is_replaced_before_the_next_batch(self) -> None:
        entries = await make_entries(2)
        async with relp_receiver() as receiver, sink_to(local(TransportKind.RELP, receiver.port)) as sink:
            await sink.write(entries[:1])
            receiver.close_sessions()
            await asyncio.sleep(0.01)
            await sink.write(entries[1:])
        assert receiver.sessions == 2
