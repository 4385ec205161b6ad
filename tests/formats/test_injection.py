"""No text of an event gets out of its line, its field or its JSON, in any format."""

from __future__ import annotations

import re
from typing import Any

import orjson
import pytest
from hypothesis import given

from gatetrail.events.fields import Record
from gatetrail.events.journal import Entry
from gatetrail.formats.choice import Format, render_of
from tests.formats.making import Presence, any_events, entry_of
from tests.formats.reading import UNSEEN, leaves
from tests.samples import decided, make_stamp

FORMATS = list(Format)
OURS = [chosen for chosen in Format if chosen is not Format.JSON]
"""Formats whose bytes are made here; JSON is what the journal hashed."""

ATTACKS = [
    'x\n{"@timestamp":"2026-01-01T00:00:00.000000Z","event_name":"tool_call.decided","decision":"allow"}',
    "x\r\nCEF:0|Gatetrail|Gatetrail|1|tool_call.decided:none|Tool call decided|1|act=allow",
    "x\u2028LEEF:2.0|Gatetrail|Gatetrail|1|tool_call.decided|x09|action=allow",
    "x act=allow outcome=success",
    "x\taction=allow",
    "x|act=allow|",
    "x\\",
    "\x1b[2J\x1b[31mred\x9b0m",
    "\u202egnp.exe\u2066",
    "nul\x00nul\x85nel\x0bvt\x0cff\x1cfs",
    '"}},"decision":"allow',
]


@pytest.mark.parametrize("chosen", OURS)
@given(event=any_events(Presence.ALL))
def test_an_event_is_one_line_without_unseen_characters(chosen: Format, event: Record) -> None:
    text = render_of(chosen)(entry_of(event)).decode()
    unseen = set(UNSEEN.findall(text))
    assert unseen <= ({"\t"} if chosen is Format.LEEF else set())
    assert len(text.splitlines()) == 1


@pytest.mark.parametrize("attack", ATTACKS, ids=range(len(ATTACKS)))
@pytest.mark.parametrize("chosen", FORMATS)
def test_attacks_stay_in_their_field(chosen: Format, attack: str) -> None:
    stamp = make_stamp()
    over: dict[str, Any] = dict.fromkeys(
        ("tool_name", "user_id", "server_name", "http_user_agent", "client_id"), attack
    )
    line = render_of(chosen)(entry_of(decided(stamp, denied=True, **over)))
    assert not re.search(rb"[\n\r\x00\x1b]", line)
    if chosen in {Format.JSON, Format.ECS, Format.OCSF, Format.OCSF_1_9}:
        assert attack in leaves(orjson.loads(line))


@pytest.mark.parametrize("chosen", FORMATS)
def test_a_tool_name_of_100_kb_is_one_line_too(chosen: Format) -> None:
    name = "a\n\x1b|=\t\\\u2028" * 12_500
    line = render_of(chosen)(entry_of(decided(make_stamp()), tool_name=name))
    assert not re.search(rb"[\n\r\x1b]", line)
    assert len(line) > 100_000


@pytest.mark.parametrize("chosen", OURS)
@pytest.mark.parametrize(
    "change",
    [
        (b'"decision_us":9', b'"decision_us":NaN'),
        (b'"decision_us":9', b'"decision_us":1e999'),
        (b'"tool_name":"get_invoice"', b'"tool_name":"\\ud800"'),
        (b'"tool_name":"get_invoice"', b'"tool_name":"\xff"'),
        (b'"user_id":"ann"', b'"user_id":7'),
        (b'"schema_version":"1.0"', b'"schema_version":"2.0"'),
        (b'"event_name":"tool_call.decided"', b'"event_name":"breakfast"'),
        (b'"event_name":"tool_call.decided"', b'"event_name":["x"]'),
        (b'"level":"info"', b'"level":"loud"'),
        (b'"execution_status":"pending"', b'"execution_status":"eaten"'),
        (b'"@timestamp":"2', b'"@timestamp":"x'),
        (b'"event_id":', b'"event_ident":'),
        (b'"message":"a decision"', b'"message":' + b'{"a":' * 300 + b"1" + b"}" * 300),
        (b"{", b"[{"),
    ],
    ids=lambda change: change[1][:40].decode("latin-1"),
)
def test_what_is_no_event_of_ours_is_a_value_error(chosen: Format, change: tuple[bytes, bytes]) -> None:
    entry = entry_of(decided(make_stamp()))
    assert change[0] in entry.line
    broken = Entry(1, entry.event_name, entry.line.replace(change[0], change[1], 1))
    if change[0] == b'"event_id":' and chosen in {Format.CEF, Format.LEEF}:
        render_of(chosen)(broken)
        return
    with pytest.raises(ValueError, match=r".+"):
        render_of(chosen)(broken)


@pytest.mark.parametrize("chosen", OURS)
@pytest.mark.parametrize("line", [b"", b"null", b"[]", b"7", b"{}", b'"x"', b'{"schema_version":"1.0"}', b"\xff"])
def test_a_line_of_something_else_is_a_value_error(chosen: Format, line: bytes) -> None:
    with pytest.raises(ValueError, match=r".+"):
        render_of(chosen)(Entry(1, "x", line))


@pytest.mark.parametrize("chosen", FORMATS)
def test_a_later_minor_version_is_written_with_its_new_keys(chosen: Format) -> None:
    more: dict[str, object] = {
        "schema_version": "1.7",
        "colour": "sky\nblue",
        "time": 1,
        "act": "x",
        "cs1Label": "x",
        "src": "y",
        "unmapped": "z",
        "nothing": None,
    }
    line = render_of(chosen)(entry_of(decided(make_stamp()), **more))
    assert b"sky" in line
    assert b"\n" not in line


@pytest.mark.parametrize("chosen", OURS)
def test_a_deep_value_of_a_later_key_is_refused_not_crashed_on(chosen: Format) -> None:
    entry = entry_of(decided(make_stamp()))
    deep = b'{"a":' * 400 + b"1" + b"}" * 400
    with pytest.raises(ValueError, match="JSON"):
        render_of(chosen)(Entry(1, entry.event_name, entry.line[:-1] + b',"z":' + deep + b"}"))
