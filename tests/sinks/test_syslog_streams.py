"""Syslog over TCP and TLS: receivers that leave, hang, or do not prove who they are."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncGenerator
from pathlib import Path
from typing import Any

import pytest

from gatetrail.errors import SinkUnavailable
from gatetrail.tls import ClientTls
from gatetrail_sinks.syslog import TransportKind
from tests.entries import make_entries
from tests.sinks.certificates import Authority
from tests.sinks.places.syslog import settings_for
from tests.sinks.rsyslog import Rsyslog
from tests.sinks.syslog_streams import local, octet_counted, server_context, sink_to, stream_server, stream_settings

pytestmark = [pytest.mark.anyio, pytest.mark.requirement("E9")]


@pytest.fixture
async def receiver(tmp_path: Path) -> AsyncGenerator[Rsyslog]:
    receiver = Rsyslog(tmp_path)
    await receiver.start()
    yield receiver
    await receiver.kill()


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


class TestCertificates:
    @pytest.mark.parametrize("transport", [TransportKind.TLS, TransportKind.RELP])
    @pytest.mark.parametrize(
        ("over", "why"),
        [
            ({"ca_file": None}, "certificate is not accepted"),
            ({"server_name": "somebody.else"}, "certificate is not accepted.*somebody.else"),
            ({"ca_file": Path("/nonexistent/ca.pem")}, r"/nonexistent/ca\.pem cannot be used: No such file"),
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
        async with sink_to(settings.model_copy(update={"tls": ClientTls(verify=False)})) as sink:
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
            tls = ClientTls.model_validate(
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

    async def test_a_password_file_that_is_no_text_is_not_held_against_the_events(self, tmp_path: Path) -> None:
        own = Authority(tmp_path).sign("gate-1.test", password="right")
        password_file = tmp_path / "password"
        password_file.write_bytes(b"\xff\xfe")
        tls = ClientTls(certificate_file=own.certificate_file, key_file=own.key_file, key_password_file=password_file)
        async with sink_to(local(TransportKind.TLS, 1, tls=tls)) as sink:
            with pytest.raises(SinkUnavailable, match=r"key_password_file \S+ cannot be used: it is not UTF-8"):
                await sink.write(await make_entries(1))

    async def test_a_wrong_password_is_told_without_it(self, tmp_path: Path) -> None:
        authority = Authority(tmp_path)
        own = authority.sign("gate-1.test", password="right")
        tls = ClientTls.model_validate(
            {"certificate_file": own.certificate_file, "key_file": own.key_file, "key_password": "hush"}
        )
        async with sink_to(local(TransportKind.TLS, 1, tls=tls)) as sink:
            with pytest.raises(SinkUnavailable, match=r"gate-1\.test\.key cannot be used: ") as told:
                await sink.write(await make_entries(1))
        assert "hush" not in str(told.value)
