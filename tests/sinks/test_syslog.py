"""The syslog sink against rsyslogd, and against receivers that misbehave as told."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import orjson
import pytest

from gatetrail.errors import EventRefused, SinkUnavailable
from gatetrail_sinks.syslog import SyslogSettings, SyslogSink, TlsSettings, TransportKind
from tests.entries import NASTY, make_entries
from tests.sinks.certificates import Authority
from tests.sinks.places.syslog import settings_for
from tests.sinks.relp_receiver import relp_receiver, taken
from tests.sinks.rsyslog import Rsyslog, free_ports

pytestmark = [pytest.mark.anyio, pytest.mark.requirement("E9")]

WAYS = [
    pytest.param(TransportKind.UDP, False, id="udp"),
    pytest.param(TransportKind.TCP, False, id="tcp"),
    pytest.param(TransportKind.TLS, True, id="tls"),
    pytest.param(TransportKind.RELP, False, id="relp"),
    pytest.param(TransportKind.RELP, True, id="relp over tls"),
]
QUICK: dict[str, Any] = {"connect_timeout_ms": 500, "send_timeout_ms": 300}


@pytest.fixture
async def receiver(tmp_path: Path) -> AsyncGenerator[Rsyslog]:
    receiver = Rsyslog(tmp_path)
    await receiver.start()
    yield receiver
    await receiver.kill()


@asynccontextmanager
async def sink_to(settings: SyslogSettings) -> AsyncGenerator[SyslogSink]:
    sink = SyslogSink("of the test", settings)
    try:
        yield sink
    finally:
        await sink.close()


def local(transport: TransportKind, port: int, **over: Any) -> SyslogSettings:
    return SyslogSettings(host="127.0.0.1", transport=transport, port=port, **{**QUICK, **over})


Handler = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@asynccontextmanager
async def stream_server(handler: Handler, context: ssl.SSLContext | None = None) -> AsyncGenerator[int]:
    """A server on the port that it gives; what the handlers still hold at the end is aborted."""
    held: list[asyncio.StreamWriter] = []
    at_work: list[asyncio.Task[None]] = []

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        held.append(writer)
        task = asyncio.current_task()
        assert task is not None
        at_work.append(task)
        await handler(reader, writer)

    server = await asyncio.start_server(handle, "127.0.0.1", 0, ssl=context)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()
        for writer in held:
            if not writer.is_closing():
                writer.transport.abort()
        await asyncio.gather(*at_work, return_exceptions=True)


def nothing(_: bytes) -> bytes | None:
    return None


def full(_: bytes) -> bytes | None:
    return b"500 disk full"


def all_but_two(message: bytes) -> bytes | None:
    return None if b'seq="2"' in message else b"200 OK"


def two_is_strange(message: bytes) -> bytes | None:
    return b"500 too strange" if b'seq="2"' in message else b"200 OK"


async def octet_counted(reader: asyncio.StreamReader) -> bytes:
    """One message, by RFC 6587."""
    length = await reader.readuntil(b" ")
    return await reader.readexactly(int(length))


class TestWhatRsyslogReads:
    @pytest.mark.parametrize(("transport", "encrypted"), WAYS)
    async def test_header_and_structured_data(
        self, receiver: Rsyslog, transport: TransportKind, *, encrypted: bool
    ) -> None:
        entries = await make_entries(len(NASTY), session_id='a"b\\c]d', context_id="ctx")
        settings = settings_for(receiver, transport, encrypted=encrypted).model_copy(update={"hostname": "gate-1"})
        async with sink_to(settings) as sink:
            await sink.write(entries)
            headers = [orjson.loads(line) for line in await receiver.header_lines(len(entries))]
        keys = orjson.loads(entries[0].line)
        (element,) = {header.pop("structured_data").split(" ", 1)[0] for header in [dict(headers[0])]}
        assert element == "[gatetrail@32473"
        for header, entry in zip(headers, entries, strict=True):
            assert f'seq="{entry.seq}"' in header["structured_data"]
            assert 'session_id="a\\"b\\\\c\\]d" context_id="ctx"]' in header.pop("structured_data")
            assert header.pop("time")[:23] == orjson.loads(entry.line)["@timestamp"][:23]
            assert header == {
                "severity": "6",
                "facility": "local0",
                "hostname": "gate-1",
                "app_name": "gatetrail",
                "procid": keys["instance_id"],
                "msgid": "tool_call.decided",
            }

    @pytest.mark.parametrize(("transport", "encrypted"), WAYS)
    async def test_messages_of_nine_kilobytes(
        self, receiver: Rsyslog, transport: TransportKind, *, encrypted: bool
    ) -> None:
        entries = await make_entries(3)
        long = b'{"long":"' + b"x" * 9_000 + b'"}'
        settings = settings_for(receiver, transport, encrypted=encrypted).model_copy(
            update={"max_message_bytes": 20_000}
        )
        sink = SyslogSink("long", settings, lambda entry: long[:-1] + b',"seq":%d}' % entry.seq)
        await sink.write(entries)
        lines = await receiver.lines(3)
        await sink.close()
        assert [orjson.loads(line)["seq"] for line in lines] == [1, 2, 3]
        assert {len(orjson.loads(line)["long"]) for line in lines} == {9_000}

    @pytest.mark.parametrize(("transport", "encrypted"), WAYS)
    async def test_it_is_content_with_how_we_leave(
        self, receiver: Rsyslog, transport: TransportKind, *, encrypted: bool
    ) -> None:
        for seq in range(1, 4):
            async with sink_to(settings_for(receiver, transport, encrypted=encrypted)) as sink:
                await sink.write(await make_entries(1, first_seq=seq))
        await receiver.lines(3)
        await receiver.stop()
        assert "error" not in receiver.said().lower()
        assert "exiting on signal 15" in receiver.said()

    @pytest.mark.parametrize(("transport", "encrypted"), WAYS)
    async def test_a_farewell_is_said_only_after_everything_was_read(
        self, receiver: Rsyslog, transport: TransportKind, *, encrypted: bool
    ) -> None:
        entries = await make_entries(300)
        async with sink_to(settings_for(receiver, transport, encrypted=encrypted)) as sink:
            await sink.write(entries)
        assert await receiver.lines(300) == [entry.line for entry in entries]


class TestStreams:
    @pytest.mark.parametrize("encrypted", [False, True], ids=["tcp", "tls"])
    async def test_a_farewell_is_noticed_before_the_next_batch(self, tmp_path: Path, *, encrypted: bool) -> None:
        arrived: list[bytes] = []
        ended = asyncio.Event()

        async def takes_one_and_leaves(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            arrived.append(await octet_counted(reader))
            writer.close()
            await asyncio.sleep(0.005)
            ended.set()

        authority = Authority(tmp_path)
        context = server_context(authority) if encrypted else None
        async with (
            stream_server(takes_one_and_leaves, context) as port,
            sink_to(stream_settings(port, authority, encrypted=encrypted)) as sink,
        ):
            for entry in await make_entries(4):
                ended.clear()
                await sink.write([entry])
                await asyncio.wait_for(ended.wait(), 5)
        assert [message.partition(b"seq=")[2][:3] for message in arrived] == [b'"1"', b'"2"', b'"3"', b'"4"']

    @pytest.mark.parametrize("encrypted", [False, True], ids=["tcp", "tls"])
    async def test_a_receiver_that_leaves_within_a_batch_is_reported(self, tmp_path: Path, *, encrypted: bool) -> None:
        async def leaves_at_once(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await reader.read(10)
            writer.transport.abort()

        authority = Authority(tmp_path)
        context = server_context(authority) if encrypted else None
        entries = await make_entries(5_000)
        async with (
            stream_server(leaves_at_once, context) as port,
            sink_to(stream_settings(port, authority, encrypted=encrypted)) as sink,
        ):
            for _ in range(2):
                with pytest.raises(SinkUnavailable, match=rf"receiver 127\.0\.0\.1:{port} .*: \w+"):
                    await sink.write(entries)

    @pytest.mark.parametrize("encrypted", [False, True], ids=["tcp", "tls"])
    async def test_a_receiver_that_takes_nothing_is_given_up(self, tmp_path: Path, *, encrypted: bool) -> None:
        async def hangs(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:  # noqa: ARG001
            await reader.readexactly(10)
            await done.wait()

        done = asyncio.Event()
        authority = Authority(tmp_path)
        context = server_context(authority) if encrypted else None
        entries = await make_entries(8_000)
        async with (
            stream_server(hangs, context) as port,
            sink_to(stream_settings(port, authority, encrypted=encrypted)) as sink,
        ):
            with pytest.raises(SinkUnavailable, match=r"took nothing within 0\.3 s"):
                await sink.write(entries)
            done.set()

    async def test_the_end_of_a_tls_stream_is_announced(self, tmp_path: Path) -> None:
        end: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()

        async def reads_to_the_end(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            try:
                await octet_counted(reader)
                end.set_result(await reader.read())
            except OSError as problem:
                end.set_exception(problem)
            writer.close()

        authority = Authority(tmp_path)
        context = server_context(authority)
        context.options &= ~getattr(ssl, "OP_IGNORE_UNEXPECTED_EOF", 0)
        async with (
            stream_server(reads_to_the_end, context) as port,
            sink_to(stream_settings(port, authority, encrypted=True)) as sink,
        ):
            await sink.write(await make_entries(1))
        assert await asyncio.wait_for(end, 5) == b""


def server_context(authority: Authority, *, ask_for_certificate: bool = False) -> ssl.SSLContext:
    own = authority.sign("receiver.test")
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cafile=authority.ca_file)
    context.load_cert_chain(own.certificate_file, own.key_file)
    if ask_for_certificate:
        context.verify_mode = ssl.CERT_REQUIRED
    return context


def stream_settings(port: int, authority: Authority, *, encrypted: bool) -> SyslogSettings:
    if not encrypted:
        return local(TransportKind.TCP, port)
    return local(TransportKind.TLS, port, tls=TlsSettings(ca_file=authority.ca_file))


class TestCertificates:
    @pytest.mark.parametrize("transport", [TransportKind.TLS, TransportKind.RELP])
    @pytest.mark.parametrize(
        ("over", "why"),
        [
            ({"ca_file": None}, "certificate is not accepted"),
            ({"server_name": "somebody.else"}, "certificate is not accepted.*somebody.else"),
            ({"ca_file": Path("/nonexistent/ca.pem")}, r"/nonexistent/ca\.pem: No such file"),
        ],
    )
    async def test_a_receiver_that_does_not_prove_itself_gets_nothing(
        self, receiver: Rsyslog, transport: TransportKind, over: dict[str, Any], why: str
    ) -> None:
        settings = settings_for(receiver, transport, encrypted=True)
        assert settings.tls is not None
        async with sink_to(settings.model_copy(update={"tls": settings.tls.model_copy(update=over)})) as sink:
            with pytest.raises(SinkUnavailable, match=why):
                await sink.write(await make_entries(1))
        assert await receiver.lines() == []

    async def test_verification_can_be_switched_off(self, receiver: Rsyslog) -> None:
        settings = settings_for(receiver, TransportKind.TLS, encrypted=True)
        async with sink_to(settings.model_copy(update={"tls": TlsSettings(verify=False)})) as sink:
            await sink.write(await make_entries(1))
        assert len(await receiver.lines(1)) == 1

    @pytest.mark.parametrize("transport", [TransportKind.TLS, TransportKind.RELP])
    async def test_a_receiver_that_wants_our_certificate_gets_it(
        self, tmp_path: Path, transport: TransportKind
    ) -> None:
        receiver = Rsyslog(tmp_path, client_certificates=True)
        await receiver.start()
        entries = await make_entries(2)
        plain = settings_for(receiver, transport, encrypted=True)
        assert plain.tls is not None
        async with sink_to(plain) as sink:
            with pytest.raises(SinkUnavailable):
                await sink.write(entries)
        own = receiver.authority.sign("gate-1.test", password="of the key")
        (tmp_path / "password").write_text("of the key\n")
        for password in ({"key_password": "of the key"}, {"key_password_file": tmp_path / "password"}):
            tls = TlsSettings.model_validate(
                {
                    "ca_file": receiver.authority.ca_file,
                    "certificate_file": own.certificate_file,
                    "key_file": own.key_file,
                    **password,
                }
            )
            async with sink_to(plain.model_copy(update={"tls": tls})) as sink:
                await sink.write(entries)
        assert len(await receiver.lines(2)) == 4
        await receiver.kill()

    async def test_a_refusal_of_our_certificate_comes_before_the_first_event_is_counted_as_sent(
        self, tmp_path: Path
    ) -> None:
        async def waits(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await reader.read()
            writer.close()

        authority = Authority(tmp_path)
        context = server_context(authority, ask_for_certificate=True)
        async with (
            stream_server(waits, context) as port,
            sink_to(stream_settings(port, authority, encrypted=True)) as sink,
        ):
            with pytest.raises(SinkUnavailable):
                await sink.write(await make_entries(1))

    async def test_a_wrong_password_is_told_without_it(self, tmp_path: Path) -> None:
        authority = Authority(tmp_path)
        own = authority.sign("gate-1.test", password="right")
        tls = TlsSettings.model_validate(
            {"certificate_file": own.certificate_file, "key_file": own.key_file, "key_password": "hush"}
        )
        async with sink_to(local(TransportKind.TLS, 1, tls=tls)) as sink:
            with pytest.raises(SinkUnavailable, match=r"gate-1\.test\.pem: ") as told:
                await sink.write(await make_entries(1))
        assert "hush" not in str(told.value)


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


class TestUdp:
    async def test_that_nobody_listens_is_told_when_the_other_machine_says_so(self) -> None:
        async with sink_to(local(TransportKind.UDP, free_ports(1)[0])) as sink:
            for _ in range(2):
                with pytest.raises(SinkUnavailable, match=r"127\.0\.0\.1:\d+ \(udp\): Connection refused"):
                    await sink.write(await make_entries(3))

    async def test_all_addresses_of_a_name_are_tried(self, receiver: Rsyslog) -> None:
        settings = settings_for(receiver, TransportKind.UDP).model_copy(update={"host": "localhost"})
        (entry,) = await make_entries(1)
        async with sink_to(settings) as sink:
            for _ in range(2):  # ::1, where nobody listens, may come first
                with suppress(SinkUnavailable):
                    await sink.write([entry])
            await sink.write([entry])
        assert set(await receiver.lines(1)) == {entry.line}

    async def test_what_no_datagram_holds_goes_to_quarantine(self, receiver: Rsyslog) -> None:
        entries = await make_entries(3)
        settings = settings_for(receiver, TransportKind.UDP).model_copy(update={"max_message_bytes": 100_000})
        sink = SyslogSink("long", settings, lambda entry: b"x" * 70_000 if entry.seq == 2 else entry.line)
        with pytest.raises(EventRefused, match="no datagram holds") as refused:
            await sink.write(entries)
        assert refused.value.seq == 2
        assert await receiver.lines(1) == [entries[0].line]
        await sink.write(entries[2:])
        assert len(await receiver.lines(2)) == 2
        await sink.close()


async def test_a_host_that_has_no_address_is_told() -> None:
    for transport in TransportKind:
        settings = SyslogSettings(host="nowhere.invalid", transport=transport, connect_timeout_ms=2_000)
        async with sink_to(settings) as sink:
            with pytest.raises(SinkUnavailable, match=r"nowhere\.invalid"):
                await sink.write(await make_entries(1))


@pytest.mark.parametrize("transport", TransportKind)
async def test_an_empty_batch_needs_nobody(transport: TransportKind) -> None:
    async with sink_to(local(transport, 1)) as sink:
        await sink.write([])
