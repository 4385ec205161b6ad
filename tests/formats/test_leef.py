"""LEEF is read back as what it was, but for control characters, which are spelled out."""

from __future__ import annotations

from datetime import datetime

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from gatetrail.events.fields import Record
from gatetrail.events.wire import keys_of
from gatetrail.formats.leef import FIELDS, PREDEFINED, custom_name, leef
from gatetrail.severity import SEVERITIES
from tests.formats.making import MODELS, any_events, entry_of, texts
from tests.formats.reading import Read, read_leef, spelled_out, written
from tests.samples import completed, decided, make_stamp

pytestmark = pytest.mark.requirement("E11")


def read(event: Record, /, **more: object) -> Read:
    return read_leef(leef(entry_of(event, **more)).decode())


def as_read(value: object) -> str:
    return spelled_out(value if isinstance(value, str) else written(value))


@given(event=any_events())
def test_every_key_is_read_back_from_its_attribute(event: Record) -> None:
    keys, told = keys_of(event), read(event)
    places = dict(FIELDS)
    assert told.fields["eventTime"] == keys.pop("@timestamp")
    assert told.fields["sev"] == str(SEVERITIES[keys.pop("level")].cef)
    assert told.header[2] == spelled_out(keys.pop("product_version")).replace("|", "\\u007c")
    assert told.header[3] == keys.pop("event_name")
    for constant in ("severity_id", "vendor_product"):
        keys.pop(constant)
    for key, value in keys.items():
        place = places.get(key, custom_name(key))
        if key == "src_ip" and "src" in told.fields:
            place = "src"
        if key == "latency_ms":
            assert float(told.fields[place]) == pytest.approx(value)
        else:
            assert told.fields[place] == as_read(value)


@given(event=any_events())
def test_the_time_can_be_read_with_the_format_that_is_told(event: Record) -> None:
    told = read(event).fields
    assert told["devTimeFormat"] == "yyyy-MM-dd'T'HH:mm:ss.SSSZ"
    moment = datetime.strptime(told["devTime"], "%Y-%m-%dT%H:%M:%S.%f%z")
    assert len(told["devTime"]) == len("2017-10-18T11:26:03.060+0200")
    assert moment.isoformat(timespec="milliseconds").replace("+00:00", "") == event.timestamp[:23]


@given(text=texts)
@example(text="a\tcat=b")
@example(text="CORP\\ann")
def test_no_value_can_pass_for_another_attribute(text: str) -> None:
    told = read(decided(make_stamp(), tool_name=text, user_id=text))
    assert set(told.fields) == set(read(decided(make_stamp())).fields)
    assert told.fields["usrName"] == told.fields["toolName"] == spelled_out(text)


def test_the_event_and_its_gate_choose_the_entry_of_the_map() -> None:
    stamp = make_stamp()
    denial = read(decided(stamp, denied=True))
    assert (denial.header[3], denial.fields["cat"]) == ("tool_call.decided", "scope")
    assert "cat" not in read(completed(stamp, decided(stamp))).fields


def test_no_key_of_ours_has_the_attribute_of_another_or_of_leef() -> None:
    keys = {field.alias or name for model in MODELS for name, field in model.model_fields.items()} - set(dict(FIELDS))
    names = [custom_name(key) for key in keys]
    assert len(set(names)) == len(names)
    assert not PREDEFINED & set(names)


@pytest.mark.parametrize("key", ["src", "cat", "policy", "usrName", "usr_name", "event_time", "sev", "", "=\t|", "é"])
def test_a_later_key_cannot_take_an_attribute_of_leef(key: str) -> None:
    plain = read(decided(make_stamp())).fields
    told = read(decided(make_stamp()), **{key: "more"}).fields
    added = set(told) - set(plain)
    assert len(added) == 1
    assert not added & PREDEFINED


@given(key=st.text(max_size=20), value=texts)
def test_keys_of_a_later_version_go_along(key: str, value: str) -> None:
    event = decided(make_stamp())
    if key in keys_of(event) or custom_name(key) in read(event).fields:
        return
    assert read(event, **{key: value}).fields[custom_name(key)] == spelled_out(value)
