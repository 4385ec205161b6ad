"""The syslog sink against rsyslogd, in every way that there is."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import suppress
from pathlib import Path

import orjson
import pytest

from gatetrail.errors import EventRefused, SinkUnavailable
from gatetrail_sinks.syslog import SyslogSettings, SyslogSink, TransportKind
from tests.entries import NASTY, make_entries
from tests.sinks.places.syslog import settings_for
from tests.sinks.rsyslog import Rsyslog, free_ports
from tests.sinks.syslog_streams import local, sink_to

pytestmark = [pytest.mark.anyio, pytest.mark.requirement("E9")]

WAYS = [
    pytest.param(TransportKind.UDP, False, id="udp"),
    pytest.param(TransportKind.TCP, False, id="tcp"),
    pytest.param(TransportKind.TLS, True, id="tls"),
    pytest.param(TransportKind.RELP, False, id="relp"),
    pytest.param(TransportKind.RELP, True, id="relp over tls"),
]


@pytest.fixture
async def receiver(tmp_path: Path) -> AsyncGenerator[Rsyslog]:
    receiver = Rsyslog(tmp_path)
    await receiver.start()
    yield receiver
    await receiver.kill()


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
