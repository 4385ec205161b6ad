"""The sinks of service.yaml: every type takes every format, and mistakes are told by key."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import orjson
import pytest
from pydantic import BaseModel, ValidationError

from gatetrail.delivery.sink import Since, Start
from gatetrail.errors import SettingsInvalid
from gatetrail.formats.choice import Format, render_of
from gatetrail.runtime.sink_options import make_sink, parse_sink
from gatetrail.settings import ServiceSettings
from gatetrail_sinks.fluentd import FluentdSettings
from gatetrail_sinks.syslog import SyslogSettings, TransportKind
from tests.entries import make_entries
from tests.sinks.places.file import file_place
from tests.sinks.places.fluentd import plain_fluentd
from tests.sinks.places.place import Place
from tests.sinks.places.syslog import syslog_place

LINES: dict[str, Callable[[Path], Awaitable[Place]]] = {
    "file": file_place,
    "relp": syslog_place(TransportKind.RELP),
}
TEXTS = {Format.CEF, Format.LEEF}


async def delivered(place: Place, chosen: Format) -> tuple[list[bytes], list[bytes]]:
    """What a sink of this format should have brought, and what is there."""
    entries = await make_entries(7)
    sink = make_sink("formatted", parse_sink("formatted", {**place.options, "format": chosen.value}))
    try:
        await sink.write(entries)
        return [render_of(chosen)(entry) for entry in entries], await place.received(len(entries))
    finally:
        await sink.close()
        await place.close()


@pytest.mark.anyio
@pytest.mark.requirement("E11")
@pytest.mark.parametrize("chosen", Format)
@pytest.mark.parametrize("kind", LINES)
async def test_lines_of_every_format_arrive_as_they_are(kind: str, chosen: Format, tmp_path: Path) -> None:
    expected, there = await delivered(await LINES[kind](tmp_path), chosen)
    assert there == expected


@pytest.mark.anyio
@pytest.mark.node
@pytest.mark.requirement("E11")
@pytest.mark.parametrize("chosen", Format)
async def test_fluentd_gets_objects_as_records_and_other_lines_as_their_message(chosen: Format, tmp_path: Path) -> None:
    expected, there = await delivered(await plain_fluentd(tmp_path), chosen)
    records = [{"message": line.decode()} if chosen in TEXTS else orjson.loads(line) for line in expected]
    assert [orjson.loads(one) for one in there] == records


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({}, "sinks.siem.type: None is no type of sink; expected file, fluentd, syslog, otlp"),
        ({"type": "kafka"}, "sinks.siem.type: 'kafka' is no type of sink; expected file, fluentd, syslog, otlp"),
        ({"type": "file"}, "sinks.siem.path: Field required"),
        ({"type": "file", "path": "/x", "pth": 1}, "sinks.siem.pth: Extra inputs are not permitted"),
        (
            {"type": "file", "path": "/x", "start": "yesterday"},
            "sinks.siem.start: 'yesterday'; expected beginning, now, or a time such as 2026-01-31T08:00:00Z",
        ),
        (
            {"type": "file", "path": "/x", "format": "xml"},
            "sinks.siem.format: Input should be 'json', 'ecs', 'ocsf', 'ocsf-1.9', 'cef' or 'leef'",
        ),
        (
            {"type": "fluentd", "receivers": [{"host": "a"}], "shared_key": "hush", "shared_key_file": "/x"},
            "sinks.siem: give shared_key or shared_key_file, not both",
        ),
        ({"type": "syslog", "host": "a", "transport": "tcp", "tls": {}}, "sinks.siem: tls goes with transport tls or"),
        ({"type": "otlp", "endpoint": "collector:4317"}, "sinks.siem.endpoint: must be the whole URL"),
    ],
)
def test_a_mistake_is_told_with_the_key_and_what_would_be_right(options: dict[str, Any], told: str) -> None:
    with pytest.raises(SettingsInvalid) as problem:
        parse_sink("siem", options)
    assert str(problem.value).startswith(told)
    assert "hush" not in str(problem.value)


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ({}, Start.BEGINNING),
        ({"start": "now"}, Start.NOW),
        ({"start": "2026-01-31T09:00:00+01:00"}, Since("2026-01-31T08:00:00.000000Z")),
    ],
)
def test_a_sink_starts_where_the_settings_say(written: dict[str, str], meant: object) -> None:
    assert parse_sink("siem", {"type": "file", "path": "/x", **written}).start == meant


def test_no_secret_of_a_sink_is_in_what_is_said_of_its_settings() -> None:
    wrong: list[tuple[type[BaseModel], dict[str, Any]]] = [
        (FluentdSettings, {"receivers": [{"host": "h"}], "user": "ann", "shared_key": "hush"}),
        (SyslogSettings, {"host": "h", "transport": "udp", "tls": {"certificate_file": "c", "key_password": "hush"}}),
    ]
    for settings, options in wrong:
        with pytest.raises(ValidationError) as told:
            settings.model_validate(options)
        assert "hush" not in str(told.value)
    service = ServiceSettings(sinks={"siem": {"type": "fluentd", "shared_key": "hush"}})
    assert "hush" not in repr(service) + str(service)
