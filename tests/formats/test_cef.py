"""CEF is read back as what it was, whatever stands in the values."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from gatetrail.clock import from_rfc3339
from gatetrail.events.fields import Record
from gatetrail.events.wire import keys_of
from gatetrail.formats.cef import FIELDS, LABELLED_FIELDS, cef, custom_name
from gatetrail.severity import SEVERITIES
from tests.formats.making import MODELS, any_events, entry_of, texts
from tests.formats.reading import Read, read_cef, spelled_out, written
from tests.samples import completed, decided, make_stamp

pytestmark = pytest.mark.requirement("E11")

ESCAPED = "\n\r"
"""Control characters that CEF has escapes for, so that they come back."""

CONTRACT = {
    "tool_name": "cs1",
    "session_id": "cs2",
    "trace_id": "cs3",
    "context_id": "cs4",
    "client_id": "cs5",
    "task_id": "cs6",
    "caller_type": "flexString1",
    "rate_limit_tier": "flexString2",
}


def read(event: Record, /, **more: object) -> Read:
    return read_cef(cef(entry_of(event, **more)).decode())


def as_read(value: object) -> str:
    if isinstance(value, str):
        return spelled_out(value, ESCAPED)
    return spelled_out(written(value))


@given(event=any_events())
def test_every_key_is_read_back_from_its_field(event: Record) -> None:
    keys, told = keys_of(event), read(event)
    places = dict(FIELDS) | dict(LABELLED_FIELDS)
    assert told.fields["rt"] == str(from_rfc3339(keys["@timestamp"]) // 1000)
    assert told.fields["GatetrailTimestamp"] == keys.pop("@timestamp")
    if (latency_ms := keys.pop("latency_ms", None)) is not None:
        assert int(told.fields["cn1"]) / 1000 == pytest.approx(latency_ms)
    version, signature, _, severity = told.header[2:]
    assert version == spelled_out(keys.pop("product_version"))
    assert signature.partition(":")[0] == keys.pop("event_name")
    assert severity == str(SEVERITIES[keys.pop("level")].cef)
    for constant in ("severity_id", "vendor_product"):
        keys.pop(constant)
    for key, value in keys.items():
        place = places.get(key, custom_name(key))
        if key == "src_ip":
            place = "src" if "src" in told.fields else place
        assert told.fields[place] == as_read(value)


@given(text=texts)
@example(text="a cs1=b")
@example(text="a\\")
@example(text=" ends with a space ")
@example(text="x\\=y|z\\n")
def test_no_value_can_pass_for_another_field(text: str) -> None:
    event = decided(make_stamp(), tool_name=text, user_id=text, server_name=text)
    plain = read(decided(make_stamp()))
    told = read(event)
    assert set(told.fields) == set(plain.fields)
    assert told.fields["cs1"] == told.fields["suid"] == told.fields["destinationServiceName"] == as_read(text)


def test_the_custom_fields_are_a_contract() -> None:
    assert dict(LABELLED_FIELDS) == CONTRACT
    ids: dict[str, Any] = {
        key: f"the {key}" for key in ("session_id", "trace_id", "context_id", "client_id", "task_id")
    }
    told = read(decided(make_stamp(), tool_name="the tool_name", **ids)).fields
    for key, field in CONTRACT.items():
        assert told[f"{field}Label"] == key
    assert {told[f"cs{number}"] for number in range(1, 7)} == {"the tool_name", *ids.values()}


def test_the_signature_is_the_event_and_its_gate_and_never_the_tool() -> None:
    stamp = make_stamp()
    assert read(decided(stamp, denied=True)).header[3] == "tool_call.decided:scope"
    assert read(decided(stamp, tool_name="a|b")).header[3] == "tool_call.decided:none"
    assert read(completed(stamp, decided(stamp))).header[3:5] == ["tool_call.completed", "Tool call completed"]


def test_the_latency_is_a_whole_number_of_microseconds() -> None:
    stamp = make_stamp()
    told = read(completed(stamp, decided(stamp))).fields
    assert (told["cn1"], told["cn1Label"]) == ("1500", "latency_us")


def test_a_header_field_keeps_its_bars_and_backslashes() -> None:
    told = read(decided(make_stamp()), product_version="1|2\\3\n4")
    assert told.header[:3] == ["Gatetrail", "Gatetrail", "1|2\\3\\u000a4"]


def test_no_key_of_ours_has_the_field_of_another() -> None:
    keys = {field.alias or name for model in MODELS for name, field in model.model_fields.items()}
    names = [custom_name(key) for key in keys]
    assert len(set(names)) == len(names)
    assert all(name.isalnum() and name.startswith("Gatetrail") for name in names)


@given(key=st.text(max_size=20), value=texts)
def test_keys_of_a_later_version_go_along_under_our_name(key: str, value: str) -> None:
    event = decided(make_stamp())
    if key in keys_of(event) or custom_name(key) in read(event).fields:
        return
    told = read(event, **{key: value}).fields
    assert told[custom_name(key)] == as_read(value)
