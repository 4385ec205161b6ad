"""The Fluentd sink and values that nobody expects: in settings, in records, and in what a receiver answers."""

from __future__ import annotations

import socket
from collections.abc import Sequence
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from gatetrail.events.journal import Entry
from gatetrail_sinks.fluentd import FluentdReceiver, FluentdSettings
from gatetrail_sinks.fluentd.packing import BatchMaker
from gatetrail_sinks.fluentd.wire import Deadline, Wire
from tests.sinks.fluentd_scripted import pack, unpack

ENTRY = Entry(1, "tool_call.decided", b'{"@timestamp":"2026-01-31T08:00:00.123456Z","event_id":"1"}')

JSON_VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**64 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_categories=["Cs"])),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)


@given(st.dictionaries(st.text(st.characters(exclude_categories=["Cs"])), JSON_VALUES, max_size=6))
def test_any_json_object_arrives_as_it_is(record: dict[str, Any]) -> None:
    try:
        text = orjson.dumps(record)
    except TypeError:  # a lone surrogate in an inner key
        return
    assert sent_record(text) == orjson.loads(text)


@given(st.one_of(st.binary(max_size=60), st.binary(max_size=60).map(lambda end: b'{"a":' + end)))
def test_any_rendering_is_packed_or_refused_and_breaks_nothing(text: bytes) -> None:
    batch, refusal = BatchMaker("t", lambda _: text).make([ENTRY])
    assert (batch is None) == (refusal is not None)


def test_numbers_that_fit_nowhere_are_doubles_or_refused() -> None:
    assert sent_record(b'{"long":123456789012345678901234567890}') == {"long": 123456789012345678901234567890.0}
    assert sent_record(b'{"whole":18446744073709551615}') == {"whole": 2**64 - 1}
    batch, refusal = BatchMaker("t", lambda _: b'{"huge":1e400}').make([ENTRY])
    assert batch is None
    assert refusal is not None


def sent_record(text: bytes) -> Any:
    batch, refusal = BatchMaker("t", lambda _: text).make([ENTRY])
    assert refusal is None
    assert batch is not None
    ((_, packed, _),) = unpack(batch.frame)
    ((_, record),) = unpack(packed)
    return record


PROTOCOL_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**64 - 1) | st.binary(max_size=20) | st.floats(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.binary(max_size=4) | st.integers(0, 9), inner),
    max_leaves=8,
)


@given(st.binary(max_size=200) | PROTOCOL_VALUES.map(pack))
def test_whatever_a_receiver_says_is_an_answer_or_a_failure_of_the_connection(said: bytes) -> None:
    here, there = socket.socketpair()
    with here, there:
        there.sendall(said)
        there.close()
        wire, deadline = Wire(here), Deadline(10)
        try:
            while True:
                assert isinstance(wire.receive(deadline), list | dict)
        except ConnectionError:
            pass


RECEIVER = {"host": "fluentd.example"}
WRONG: Sequence[dict[str, Any]] = (
    {"receivers": []},
    {"receivers": [{"host": ""}]},
    {"receivers": [{"host": "x", "port": 0}]},
    {"receivers": [RECEIVER], "tag": ""},
    {"receivers": [RECEIVER], "shared_key": "a", "shared_key_file": "/b"},
    {"receivers": [RECEIVER], "shared_key": ""},
    {"receivers": [RECEIVER], "shared_key": "a", "user": "ann"},
    {"receivers": [RECEIVER], "shared_key": "a", "password": "b"},
    {"receivers": [RECEIVER], "user": "ann", "password": "b"},
    {"receivers": [RECEIVER], "shared_key": "a", "user": "ann", "password": "b", "password_file": "/c"},
    {"receivers": [RECEIVER], "tls": {"key_file": "/k"}},
    {"receivers": [RECEIVER], "tls": {"ca_file": "/k", "verify": False}},
    {"receivers": [RECEIVER], "compress": "gzip"},
)


@pytest.mark.parametrize("settings", WRONG)
def test_settings_that_make_no_sense_are_refused(settings: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        FluentdSettings.model_validate(settings)


def test_settings_show_no_secret() -> None:
    settings = FluentdSettings.model_validate(
        {"receivers": [RECEIVER], "shared_key": "hidden-key", "user": "ann", "password": "hidden-word"}
    )
    assert "hidden" not in f"{settings!r} {settings} {settings.model_dump_json()}"
    assert settings.receivers == (FluentdReceiver(host="fluentd.example", port=24224),)
