"""RFC 5424 messages and RELP frames, read back by parsers that know nothing of the writers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from gatetrail.events.journal import Entry
from gatetrail.severity import SEVERITIES
from gatetrail.tls import ClientTls
from gatetrail.words import Level
from gatetrail_sinks.syslog import Facility, SyslogSettings, TransportKind
from gatetrail_sinks.syslog.message import PARAMETERS, Formatter
from gatetrail_sinks.syslog.relp_frames import Frame, FrameReader, ProtocolBroken
from tests.entries import make_entries

pytestmark = pytest.mark.anyio

SETTINGS = SyslogSettings(host="receiver.test", max_message_bytes=1_000_000)
IDS = ("trace_id", "user_id", "session_id", "context_id", "client_id", "task_id")
TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=40)


@dataclass
class Parsed:
    facility: int
    severity: int
    timestamp: str
    hostname: str
    app_name: str
    procid: str
    msgid: str
    structured_data: dict[str, dict[str, str]]
    message: bytes


def parse(message: bytes) -> Parsed:
    """By the ABNF of RFC 5424 section 6, strictly, one character after the other."""
    head, *words, rest = message.split(b" ", 6)
    assert head[-2:] == b">1"
    assert head[:1] == b"<"
    priority = int(head[1:-2])
    assert 0 <= priority <= 191
    limits = (len("2026-01-01T00:00:00.000000Z"), 255, 48, 128, 32)
    for word, limit in zip(words, limits, strict=True):
        assert 1 <= len(word) <= limit
        assert all(33 <= byte <= 126 for byte in word)
    elements, message = parse_structured_data(rest)
    timestamp, hostname, app_name, procid, msgid = (word.decode() for word in words)
    return Parsed(priority // 8, priority % 8, timestamp, hostname, app_name, procid, msgid, elements, message)


def parse_structured_data(rest: bytes) -> tuple[dict[str, dict[str, str]], bytes]:
    elements: dict[str, dict[str, str]] = {}
    while rest.startswith(b"["):
        end_of_id = min(place for place in (rest.find(b" "), rest.find(b"]")) if place > 0)
        values: dict[str, str] = {}
        elements[rest[1:end_of_id].decode("ascii")] = values
        rest = rest[end_of_id:]
        while rest.startswith(b" "):
            name, _, rest = rest[1:].partition(b'="')
            assert 1 <= len(name) <= 32
            value = bytearray()
            while (byte := rest[:1]) != b'"':
                assert byte != b"]"
                if byte == b"\\" and rest[1:2] in {b'"', b"\\", b"]"}:
                    rest = rest[1:]
                value += rest[:1]
                rest = rest[1:]
            values[name.decode("ascii")] = value.decode()
            rest = rest[1:]
        assert rest[:1] == b"]"
        rest = rest[1:]
    assert elements
    assert rest[:1] == b" "
    return elements, rest[1:]


def entry_of(**keys: Any) -> Entry:
    known = {"@timestamp": "2026-05-04T03:02:01.000999Z", "level": "info", "event_id": "e", "instance_id": "i"}
    return Entry(7, "tool_call.decided", orjson.dumps({**known, "seq": 7, **keys}))


def message_of(entry: Entry, settings: SyslogSettings = SETTINGS, line: bytes | None = None) -> bytes:
    return Formatter(settings, "gate-1", lambda entry: entry.line if line is None else line).message(entry)


def printable(text: str) -> str:
    """What structured data may carry of a text."""
    return "".join(
        "\ufffd" if character in "\u2028\u2029\x7f" or ord(character) < 32 or 128 <= ord(character) < 160 else character
        for character in text
    )


@given(st.dictionaries(st.sampled_from(IDS), TEXTS), TEXTS)
def test_every_id_can_be_read_back_and_the_line_is_unchanged(ids: dict[str, str], user_agent: str) -> None:
    entry = entry_of(**ids, http_user_agent=user_agent)
    parsed = parse(message_of(entry))
    assert parsed.message == entry.line
    expected = {key: printable(text) for key, text in ids.items()}
    assert parsed.structured_data == {"gatetrail@32473": {"event_id": "e", "seq": "7", **expected}}


@given(TEXTS, TEXTS, TEXTS)
def test_nothing_gets_out_of_its_header_field(event_name: str, instance_id: str, hostname: str) -> None:
    made = entry_of(instance_id=instance_id)
    entry = Entry(7, event_name, made.line)
    parsed = parse(Formatter(SETTINGS, hostname, lambda entry: entry.line).message(entry))
    assert parsed.message == entry.line
    assert parsed.app_name == "gatetrail"


@given(st.lists(TEXTS, max_size=5), st.randoms())
def test_no_text_breaks_a_message_into_two_lines(texts: list[str], chance: Any) -> None:
    entry = entry_of(**{chance.choice(IDS): text for text in texts})
    assert not {*message_of(entry)} & {0, *b"\r\n"}


async def test_the_header_says_what_the_event_says() -> None:
    entry = (await make_entries(1, user_id="ann", task_id="t"))[0]
    keys = orjson.loads(entry.line)
    parsed = parse(message_of(entry))
    assert (parsed.facility, parsed.severity) == (16, 6)
    assert parsed.timestamp == keys["@timestamp"]
    assert parsed.hostname == "gate-1"
    assert parsed.procid == keys["instance_id"]
    assert parsed.msgid == "tool_call.decided"
    (element,) = parsed.structured_data.values()
    assert element == {key: str(keys[key]) for key in PARAMETERS if key in keys}
    assert {"event_id", "seq", "trace_id", "user_id", "session_id", "task_id"} <= element.keys()


@pytest.mark.parametrize("level", Level)
def test_the_severity_comes_from_the_one_table(level: Level) -> None:
    parsed = parse(message_of(entry_of(level=level), SyslogSettings(host="h", facility=Facility.AUDIT)))
    assert (parsed.facility, parsed.severity) == (13, SEVERITIES[level].syslog)


def test_leef_gets_milliseconds_which_its_readers_want() -> None:
    parsed = parse(message_of(entry_of(), line=b"LEEF:2.0|a|b|1|e|\t|"))
    assert parsed.timestamp == "2026-05-04T03:02:01.000Z"
    assert parsed.message == b"LEEF:2.0|a|b|1|e|\t|"


def test_there_is_no_byte_order_mark_that_a_json_reader_would_stop_at() -> None:
    assert parse(message_of(entry_of(user_id="ünï"))).message[:1] == b"{"


def test_the_enterprise_number_is_a_setting() -> None:
    message = message_of(entry_of(), SyslogSettings(host="h", enterprise_number=99_999))
    assert parse(message).structured_data.keys() == {"gatetrail@99999"}


@pytest.mark.parametrize(
    ("entry", "line", "why"),
    [
        (entry_of(), b"two\nlines", "line break"),
        (entry_of(), b"two\rlines", "line break"),
        (entry_of(), b"a\x00b", "NUL"),
        (Entry(1, "e", b"{no json"), None, "line 1 column 2"),
        (Entry(1, "e", b"[1]"), None, "no JSON object"),
        (entry_of(level="loud"), None, "level is 'loud', expected one of info"),
        (entry_of(**{"@timestamp": "yesterday"}), None, "expected RFC 3339"),
        (entry_of(), b"x" * 9_000, "max_message_bytes is 8192"),
    ],
)
def test_what_a_receiver_would_read_wrongly_is_not_sent(entry: Entry, line: bytes | None, why: str) -> None:
    with pytest.raises(ValueError, match=why):
        message_of(entry, SyslogSettings(host="h"), line)


@given(
    st.lists(
        st.builds(
            Frame,
            st.integers(0, 999_999_999),
            st.from_regex(rb"[A-Za-z]{1,32}", fullmatch=True),
            st.binary(max_size=60),
        )
    ),
    st.data(),
)
def test_relp_frames_come_back_however_the_stream_is_cut(frames: list[Frame], data: st.DataObject) -> None:
    stream = b"".join(frame.encoded() for frame in frames)
    reader = FrameReader()
    found: list[Frame] = []
    while stream:
        size = data.draw(st.integers(1, len(stream)))
        found += reader.feed(stream[:size])
        stream = stream[size:]
    assert found == frames


@pytest.mark.parametrize(
    "noise", [b"HTTP/1.1 400 Bad Request\r\n", b"1 rsp 0 x", b"1 rsp 3 abcX", b"1 rsp 999999999 x", b"\n", b"x" * 60]
)
def test_a_receiver_that_speaks_something_else_is_told_at_once(noise: bytes) -> None:
    with pytest.raises(ProtocolBroken, match="no RELP"):
        FrameReader().feed(noise)


@pytest.mark.parametrize(
    "keys",
    [
        {"transport": "udp", "tls": {}},
        {"transport": "tcp", "tls": {}},
        {"transport": "udp", "max_message_bytes": 65_508},
        {"transport": "carrier pigeon"},
        {"app_name": "with space"},
        {"hostname": "ä"},
        {"tls": {"key_file": "key.pem"}},
        {"tls": {"certificate_file": "c", "key_password": "p", "key_password_file": "f"}},
        {"port": 65_536},
    ],
)
def test_settings_that_make_no_sense_are_refused(keys: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        SyslogSettings.model_validate({"host": "h", **keys})


@pytest.mark.parametrize(
    ("transport", "port"),
    [(TransportKind.UDP, 514), (TransportKind.TCP, 514), (TransportKind.TLS, 6514), (TransportKind.RELP, 2514)],
)
def test_each_transport_has_its_usual_port(transport: TransportKind, port: int) -> None:
    assert SyslogSettings(host="h", transport=transport).actual_port == port
    assert SyslogSettings(host="h", transport=transport, port=99).actual_port == 99


def test_the_keys_password_is_shown_nowhere() -> None:
    tls = ClientTls.model_validate({"certificate_file": "c.pem", "key_password": "hush"})
    settings = SyslogSettings(host="h", tls=tls)
    assert "hush" not in repr(settings) + str(settings.model_dump()) + settings.model_dump_json()
