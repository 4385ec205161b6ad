"""What the OTLP sink promises beyond the contract of all sinks."""

from __future__ import annotations

import asyncio
import builtins
import logging
import random
import socket
import ssl
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import orjson
import pytest
from opentelemetry._logs import LogRecord, SeverityNumber
from opentelemetry.exporter.otlp.proto.common._log_encoder import encode_logs
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsPartialSuccess, ExportLogsServiceRequest
from opentelemetry.sdk._logs import ReadableLogRecord
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.util.instrumentation import InstrumentationScope
from opentelemetry.trace import NonRecordingSpan, SpanContext, set_span_in_context
from pydantic import SecretStr, ValidationError

from gatetrail.errors import EventRefused, SettingsInvalid, SinkUnavailable
from gatetrail.events.journal import Entry
from gatetrail.formats.otel import SCHEMA_URL, otel_record
from gatetrail.tls import ClientTls
from gatetrail_sinks.otlp import Compression, OtlpSettings, OtlpSink, messages
from tests.delivery.driving import World, running, until
from tests.entries import NASTY, make_entries
from tests.sinks.certificates import Authority
from tests.sinks.otlp_receiver import Arrived, OtlpReceiver, Reply

pytestmark = [pytest.mark.anyio, pytest.mark.requirement("E11")]

SECRET = "Bearer s3cr3t-of-the-collector"


@pytest.fixture
async def receiver() -> AsyncGenerator[OtlpReceiver]:
    receiver = OtlpReceiver()
    receiver.start()
    yield receiver
    await receiver.stop()


@asynccontextmanager
async def sink_to(receiver: OtlpReceiver, **settings: Any) -> AsyncGenerator[OtlpSink]:
    sink = OtlpSink("siem", OtlpSettings(endpoint=receiver.url, **settings), now_ns=lambda: 5)
    yield sink
    await sink.close()


def is_event(*entries: Entry) -> Callable[[Arrived], bool]:
    ids = {orjson.loads(entry.line)["event_id"] for entry in entries}
    return lambda arrived: arrived.event_id in ids


def always(reply: Reply) -> Callable[[list[Arrived]], Reply]:
    return lambda _arrived: reply


def lines_of(receiver: OtlpReceiver) -> list[bytes]:
    return list(dict.fromkeys(arrived.native_line() for arrived in receiver.taken))


async def test_a_batch_is_one_request_of_records_in_order_under_the_process_that_wrote_them(
    receiver: OtlpReceiver,
) -> None:
    ours, theirs = list(await make_entries(3)), list(await make_entries(2, first_seq=4))
    async with sink_to(receiver) as sink:
        await sink.write([*ours, *theirs, ours[0]])
    assert [seen.record_count for seen in receiver.seen] == [6]
    assert receiver.seen[0].headers["content-type"] == "application/x-protobuf"
    assert [one.native_line() for one in receiver.taken] == [entry.line for entry in [*ours, *theirs, ours[0]]]
    first = receiver.taken[0]
    assert first.resource["service.name"] == "gatetrail"
    assert first.resource["service.instance.id"] != receiver.taken[3].resource["service.instance.id"]
    assert (first.scope_name, first.schema_url) == ("gatetrail", SCHEMA_URL)
    assert first.record.observed_time_unix_nano == 5


async def test_the_request_is_the_one_that_the_sdk_would_make() -> None:
    (entry,) = await make_entries(1, span_id="b" * 16, roles=("a", "b"))
    record = otel_record(entry.line)
    ours = ExportLogsServiceRequest.FromString(messages.request([messages.letter(1, record, 5)], packed=False))
    span = SpanContext(int.from_bytes(record.trace_id), int.from_bytes(record.span_id), is_remote=True)
    theirs = encode_logs(
        [
            ReadableLogRecord(
                LogRecord(
                    timestamp=record.time_unix_nano,
                    observed_timestamp=5,
                    context=set_span_in_context(NonRecordingSpan(span)),
                    severity_text=record.severity.otel_text,
                    severity_number=SeverityNumber(record.severity.otel_number),
                    body=record.body,
                    attributes=record.attributes,
                    event_name=record.event_name,
                ),
                Resource(
                    {
                        "service.name": "gatetrail",
                        "service.version": record.resource.service_version,
                        "service.instance.id": record.resource.service_instance_id,
                    }
                ),
                InstrumentationScope("gatetrail", record.resource.service_version, SCHEMA_URL),
            )
        ]
    )
    assert ours == theirs


@pytest.mark.parametrize("count", [1, 2, 7, 50])
@pytest.mark.parametrize("poisoned", [0, -1])
@pytest.mark.parametrize("way", ["refusing", "rejecting"])
async def test_the_first_refused_event_is_singled_out_and_all_before_it_are_delivered(
    receiver: OtlpReceiver, count: int, poisoned: int, way: str
) -> None:
    entries = list(await make_entries(count))
    poison = entries[poisoned]
    receiver.answer = getattr(receiver, way)(is_event(poison))
    async with sink_to(receiver) as sink:
        with pytest.raises(EventRefused, match=r"one of them is bad|too old") as refused:
            await sink.write(entries)
    assert refused.value.seq == poison.seq
    before = [entry.line for entry in entries if entry.seq < poison.seq]
    assert lines_of(receiver)[: len(before)] == before
    assert len(receiver.seen) <= 2 * count.bit_length() + 2


async def test_several_poisoned_events_come_out_one_after_the_other_and_the_rest_arrives(
    receiver: OtlpReceiver,
) -> None:
    entries = list(await make_entries(20))
    receiver.answer = receiver.refusing(is_event(entries[3], entries[4], entries[19]))
    left, refused = entries, list[int]()
    async with sink_to(receiver) as sink:
        while left:
            try:
                await sink.write(left)
                break
            except EventRefused as refusal:
                refused.append(refusal.seq)
                left = [entry for entry in left if entry.seq > refusal.seq]
    assert refused == [4, 5, 20]
    assert lines_of(receiver) == [entry.line for entry in entries if entry.seq not in refused]


async def test_a_batch_that_is_too_large_goes_in_parts(receiver: OtlpReceiver) -> None:
    entries = list(await make_entries(20))
    receiver.answer = lambda arrived: Reply(413) if len(arrived) > 6 else receiver.take(arrived)
    async with sink_to(receiver) as sink:
        await sink.write(entries)
    assert [one.native_line() for one in receiver.taken] == [entry.line for entry in entries]


async def test_a_receiver_that_refuses_even_nothing_puts_no_event_aside(receiver: OtlpReceiver) -> None:
    receiver.answer = lambda _arrived: Reply(400, b"tenant unknown", "text/plain")
    async with sink_to(receiver) as sink:
        with pytest.raises(SinkUnavailable, match=r"tenant unknown.*empty request"):
            await sink.write(await make_entries(4))


async def test_a_success_with_a_warning_is_a_success_that_is_told_once(
    receiver: OtlpReceiver, caplog: pytest.LogCaptureFixture
) -> None:
    body = b"\x0a\x0e" + ExportLogsPartialSuccess(error_message="slow down\n!").SerializeToString()
    body = body[:1] + bytes([len(body) - 2]) + body[2:]

    def answer(arrived: list[Arrived]) -> Reply:
        receiver.take(arrived)
        return Reply(200, body)

    receiver.answer = answer
    async with sink_to(receiver) as sink:
        for entry in await make_entries(3):
            await sink.write([entry])
    assert [record.getMessage() for record in caplog.records if record.levelno >= logging.WARNING] == [
        f"sink siem: {receiver.url} took the events, but says: slow down !"
    ]


async def test_an_answer_in_json_is_read_as_well(receiver: OtlpReceiver) -> None:
    answers = iter(
        [b"{}", b'{"partialSuccess":{"rejectedLogRecords":"1","errorMessage":"no"}}', b'{"partialSuccess":7}']
    )
    receiver.answer = lambda _arrived: Reply(200, next(answers), "application/json; charset=utf-8")
    entries = await make_entries(1)
    async with sink_to(receiver) as sink:
        await sink.write(entries)
        with pytest.raises(EventRefused, match="rejected 1 of 1 records: no"):
            await sink.write(entries)
        with pytest.raises(SinkUnavailable, match="cannot be read"):
            await sink.write(entries)


@pytest.mark.parametrize(
    "reply",
    [
        Reply(200, b"<h1>Log in</h1>", "text/html"),
        Reply(200, b"\xff\xff\xff"),
        Reply(200, b"x" * 100_000),
        Reply(302, headers=(("location", "https://elsewhere.example/"),)),
        Reply(401, b"who are you", "text/plain"),
        Reply(404),
        Reply(408),
        Reply(415),
        Reply(429, headers=(("retry-after", "soon"),)),
        Reply(500),
        Reply(502),
        Reply(503, b"\x08\x0e\x12\x04busy"),
    ],
)
async def test_every_other_answer_means_that_it_has_to_be_tried_again(receiver: OtlpReceiver, reply: Reply) -> None:
    entries = await make_entries(3)
    receiver.answer = lambda _arrived: reply
    async with sink_to(receiver) as sink:
        with pytest.raises(SinkUnavailable, match=receiver.url):
            await sink.write(entries)
        receiver.answer = receiver.take
        await sink.write(entries)
    assert lines_of(receiver) == [entry.line for entry in entries]


async def test_a_follower_brings_everything_but_the_poison_through_failures_of_many_kinds(
    receiver: OtlpReceiver,
) -> None:
    world = World()
    await world.append(40)
    entries = list(await world.journal.read(0, 40))
    chance, poisoned = random.Random(7), is_event(entries[13])
    good = receiver.rejecting(poisoned)

    def answer(arrived: list[Arrived]) -> Reply:
        return Reply(chance.choice([429, 500, 503])) if chance.random() < 0.4 else good(arrived)

    receiver.answer = answer
    async with sink_to(receiver) as sink, running(world.follower(sink)) as _:
        await until(lambda: len(lines_of(receiver)) >= 39)
        await until(lambda: world.told("audit.sink_failed"))
    arrived = lines_of(receiver)
    assert [line for line in arrived if line in {entry.line for entry in entries}] == [
        entry.line for entry in entries if entry is not entries[13]
    ]


async def test_a_receiver_that_asks_for_a_pause_gets_it(receiver: OtlpReceiver) -> None:
    entries = await make_entries(1)
    receiver.answer = lambda _arrived: Reply(503, b"\x12\x04busy", headers=(("retry-after", "3600"),))
    async with sink_to(receiver) as sink:
        with pytest.raises(SinkUnavailable, match=r"answered 503 \(busy\)"):
            await sink.write(entries)
        with pytest.raises(SinkUnavailable, match=r"left alone for (60|59) s"):
            await sink.write(entries)
    assert len(receiver.seen) == 1


async def test_an_answer_that_trickles_is_cut_off_at_the_limit(receiver: OtlpReceiver) -> None:
    """Each byte comes in time, the whole does not."""
    receiver.answer = lambda _arrived: Reply(200, b"x" * 60_000, byte_pause_s=0.01)
    async with sink_to(receiver, timeout_ms=300) as sink, asyncio.timeout(10):
        with pytest.raises(SinkUnavailable, match=r"did not answer within 0.3 s"):
            await sink.write(await make_entries(1))


async def test_a_receiver_that_hangs_is_cut_off_and_the_next_try_is_not_held_up() -> None:
    entries = await make_entries(2)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        endpoint = f"http://127.0.0.1:{silent.getsockname()[1]}/v1/logs"
        sink = OtlpSink("siem", OtlpSettings(endpoint=endpoint, timeout_ms=200))
        for _ in range(2):
            async with asyncio.timeout(10):
                with pytest.raises(SinkUnavailable, match=r"did not answer within 0.2 s"):
                    await sink.write(entries)
        await sink.close()


async def test_requests_are_packed_if_wanted(receiver: OtlpReceiver) -> None:
    entries = await make_entries(20)
    async with sink_to(receiver, compression=Compression.GZIP) as sink:
        await sink.write(entries)
    assert receiver.seen[0].headers["content-encoding"] == "gzip"
    assert receiver.seen[0].body_bytes < sum(len(entry.line) for entry in entries) / 4
    assert lines_of(receiver) == [entry.line for entry in entries]


async def test_nasty_texts_arrive_as_they_are(receiver: OtlpReceiver) -> None:
    entries = [
        entry for nasty in NASTY for entry in await make_entries(1, tool_name=nasty, message=nasty, reason=nasty)
    ]
    async with sink_to(receiver) as sink:
        await sink.write(entries)
    assert [one.attributes["gen_ai.tool.name"] for one in receiver.taken] == list(NASTY)
    assert [one.record.body.string_value for one in receiver.taken] == list(NASTY)


async def test_an_event_that_cannot_be_encoded_is_refused_after_those_before_it(receiver: OtlpReceiver) -> None:
    entries = list(await make_entries(3))
    entries[1] = Entry(2, "x", entries[1].line.replace(b'"decision_us":9', b'"decision_us":18446744073709551615'))
    async with sink_to(receiver) as sink:
        with pytest.raises(EventRefused) as refused:
            await sink.write(entries)
    assert refused.value.seq == 2
    assert lines_of(receiver) == [entries[0].line]


async def test_another_rendering_is_the_body_and_the_attributes_stay(receiver: OtlpReceiver) -> None:
    (entry,) = await make_entries(1)
    sink = OtlpSink("siem", OtlpSettings(endpoint=receiver.url), lambda entry: f"CEF:0|{entry.seq}".encode())
    await sink.write([entry])
    await sink.close()
    (arrived,) = receiver.taken
    assert arrived.record.body.string_value == "CEF:0|1"
    assert arrived.attributes["mcp_governance.message"] == orjson.loads(entry.line)["message"]
    assert arrived.attributes["gen_ai.tool.name"] == "get_invoice"


async def test_headers_come_from_the_settings_and_from_a_file_that_may_change(
    receiver: OtlpReceiver, tmp_path: Path
) -> None:
    entries = await make_entries(1)
    file = tmp_path / "headers"
    async with sink_to(receiver, headers={"X-Tenant": SecretStr("blue")}, headers_file=file) as sink:
        with pytest.raises(SinkUnavailable, match="headers"):
            await sink.write(entries)
        for token in ("one", "two"):
            file.write_text(f"\nauthorization: Bearer {token}\n")
            await sink.write(entries)
        file.write_text(f"authorization {SECRET}\n")
        with pytest.raises(SinkUnavailable, match=r"headers:1: .*expected `name: value`") as told:
            await sink.write(entries)
    assert SECRET not in str(told.value)
    assert [seen.headers["authorization"] for seen in receiver.seen] == ["Bearer one", "Bearer two"]
    assert {seen.headers["x-tenant"] for seen in receiver.seen} == {"blue"}


async def test_credentials_are_in_no_log_line_no_error_and_no_repr(
    receiver: OtlpReceiver, caplog: pytest.LogCaptureFixture, tmp_path: Path
) -> None:
    caplog.set_level(logging.DEBUG)
    entries = await make_entries(1)
    file = tmp_path / "headers"
    file.write_text(f"x-api-key: {SECRET}-2\n")
    settings = OtlpSettings(
        endpoint=receiver.url, headers={"authorization": SecretStr(SECRET)}, headers_file=file, timeout_ms=500
    )
    sink = OtlpSink("siem", settings)
    texts = [repr(settings), str(settings), settings.model_dump_json(), repr(sink)]
    for status in (200, 400, 401, 503):
        receiver.answer = always(Reply(status, f"not {SECRET} {SECRET}-2".encode(), "text/plain"))
        with pytest.raises(SinkUnavailable) as told:
            await sink.write(entries)
        texts.append(str(told.value))
    await receiver.stop()
    with pytest.raises(SinkUnavailable, match="Connection refused") as told:
        await sink.write(entries)
    await sink.close()
    texts.append(str(told.value))
    texts += [record.getMessage() for record in caplog.records] + [str(record.args) for record in caplog.records]
    assert [seen.headers["authorization"] for seen in receiver.seen] == [SECRET] * len(receiver.seen)
    assert not [text for text in texts if "s3cr3t" in text]
    assert "not *** ***" in texts[5]


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        ({"endpoint": "collector:4318"}, "whole URL"),
        ({"endpoint": "http://collector:4318"}, "whole URL"),
        ({"endpoint": "grpc://collector:4317/v1/logs"}, "whole URL"),
        ({"endpoint": "http://[::1/v1/logs"}, "no URL"),
        ({"endpoint": "https://ann:s3cr3t@collector/v1/logs"}, "credentials go into headers"),
        ({"endpoint": "https://collector/v1/logs?key=s3cr3t"}, "credentials go into headers"),
        ({"headers": {"authorization": "s3cr3t\r\nx: y"}}, "printable ASCII"),
        ({"headers": {"authorization": "s3cr3t\u2028"}}, "printable ASCII"),
        ({"headers": {"bad name": "s3cr3t"}}, "name may hold"),
        ({"headers": {"Content-Type": "s3cr3t"}}, "set by the sink itself"),
        ({"endpoint": "http://collector/v1/logs", "tls": {"ca_file": "ca.pem"}}, "means nothing"),
        ({"tls": {"key_file": "key.pem"}}, "certificate_file"),
        ({"compression": "zip"}, "gzip"),
        ({"timeout_ms": 0}, "100"),
        ({"time_out": 5}, "not permitted"),
    ],
)
def test_wrong_settings_are_told_without_their_secrets(wrong: dict[str, Any], told: str) -> None:
    with pytest.raises(ValidationError, match=told) as problem:
        OtlpSettings.model_validate({"endpoint": "https://collector/v1/logs", **wrong})
    assert "s3cr3t" not in str(problem.value)


def test_without_the_extra_the_message_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    real = builtins.__import__

    def without(name: str, *args: Any, **keywords: Any) -> Any:
        if name == "gatetrail_sinks.otlp" and "messages" in (args[2] or ()):
            raise ModuleNotFoundError("No module named 'opentelemetry.proto'", name="opentelemetry.proto")
        return real(name, *args, **keywords)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(SettingsInvalid, match=r"sinks\.siem: .*opentelemetry\.proto.*pip install 'gatetrail\[otlp\]'"):
        OtlpSink("siem", OtlpSettings(endpoint="http://collector/v1/logs"))


class TestOverTls:
    @pytest.fixture
    async def secured(self, tmp_path: Path) -> AsyncGenerator[tuple[OtlpReceiver, Authority]]:
        authority = Authority(tmp_path)
        certificate = authority.sign("collector")
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cafile=authority.ca_file)
        context.load_cert_chain(certificate.certificate_file, certificate.key_file)
        receiver = OtlpReceiver(context)
        receiver.start()
        yield receiver, authority
        await receiver.stop()

    async def test_a_certificate_of_the_named_authority_is_trusted(
        self, secured: tuple[OtlpReceiver, Authority]
    ) -> None:
        receiver, authority = secured
        entries = await make_entries(2)
        async with sink_to(receiver, tls=ClientTls(ca_file=authority.ca_file)) as sink:
            await sink.write(entries)
        assert lines_of(receiver) == [entry.line for entry in entries]

    async def test_any_other_is_not_and_nothing_is_sent(
        self, secured: tuple[OtlpReceiver, Authority], tmp_path: Path
    ) -> None:
        receiver, _ = secured
        entries = await make_entries(1)
        stranger = Authority(tmp_path, "stranger")
        for tls in (None, ClientTls(ca_file=stranger.ca_file)):
            async with sink_to(receiver, tls=tls) as sink:
                with pytest.raises(SinkUnavailable, match=r"(?i)certificate"):
                    await sink.write(entries)
        assert receiver.seen == []

    async def test_a_receiver_may_ask_for_our_certificate(self, secured: tuple[OtlpReceiver, Authority]) -> None:
        receiver, authority = secured
        assert receiver.context is not None
        receiver.context.verify_mode = ssl.CERT_REQUIRED
        ours = authority.sign("gatetrail")
        entries = await make_entries(1)
        async with sink_to(receiver, tls=ClientTls(ca_file=authority.ca_file)) as sink:
            with pytest.raises(SinkUnavailable):
                await sink.write(entries)
        files: dict[str, Any] = {"certificate_file": ours.certificate_file, "key_file": ours.key_file}
        async with sink_to(receiver, tls=ClientTls.model_validate({"ca_file": authority.ca_file, **files})) as sink:
            await sink.write(entries)
        assert lines_of(receiver) == [entry.line for entry in entries]

    async def test_files_that_cannot_be_used_are_named_and_nobody_is_asked_for_a_password(
        self, secured: tuple[OtlpReceiver, Authority], tmp_path: Path
    ) -> None:
        receiver, authority = secured
        entries = await make_entries(1)
        locked = authority.sign("locked", password="unknown")
        missing = tmp_path / "missing.pem"
        files: Sequence[tuple[str, dict[str, Path]]] = (
            ("ca_file", {"ca_file": missing}),
            ("certificate_file", {"certificate_file": missing}),
            ("certificate_file", {"certificate_file": locked.certificate_file, "key_file": locked.key_file}),
        )
        for named, settings in files:
            async with sink_to(receiver, tls=ClientTls.model_validate(settings)) as sink:
                with pytest.raises(SinkUnavailable, match=named):
                    await sink.write(entries)
