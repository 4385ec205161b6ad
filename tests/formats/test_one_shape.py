"""The ids of an event are found in every format, where its users look for them."""

from __future__ import annotations

from typing import Any, cast

import orjson
import pytest
from hypothesis import given

from gatetrail.events.fields import Record
from gatetrail.events.wire import keys_of
from gatetrail.formats.choice import Format, render_of
from tests.formats.making import any_events, entry_of
from tests.formats.reading import leaves, read_cef, read_leef
from tests.samples import decided, make_stamp

pytestmark = pytest.mark.requirement("E11")

IDS: dict[str, Any] = {
    "event_id": "0190aaaa-0000-7000-8000-000000000001",
    "trace_id": "a" * 32,
    "user_id": "ann",
    "session_id": "session-1",
    "context_id": "context-1",
    "client_id": "desk",
    "task_id": "task-1",
    "execution_id": "0190aaaa-0000-7000-8000-000000000002",
    "call_id": "call-1",
}

PLACES: dict[Format, dict[str, str]] = {
    Format.JSON: {key: key for key in IDS},
    Format.ECS: {
        "event_id": "event.id",
        "trace_id": "trace.id",
        "user_id": "user.id",
        "session_id": "mcp_governance.session_id",
        "context_id": "mcp_governance.context_id",
        "client_id": "mcp_governance.client_id",
        "task_id": "mcp_governance.task_id",
        "execution_id": "mcp_governance.execution_id",
        "call_id": "gen_ai.tool.call.id",
    },
    Format.OCSF: {
        "event_id": "metadata.uid",
        "trace_id": "trace.uid",
        "user_id": "actor.user.uid",
        "session_id": "actor.session.uid",
        "context_id": "unmapped.context_id",
        "client_id": "actor.app_uid",
        "task_id": "metadata.correlation_uid",
        "execution_id": "unmapped.execution_id",
        "call_id": "api.request.uid",
    },
    Format.CEF: {
        "event_id": "externalId",
        "trace_id": "cs3",
        "user_id": "suid",
        "session_id": "cs2",
        "context_id": "cs4",
        "client_id": "cs5",
        "task_id": "cs6",
        "execution_id": "GatetrailExecutionId",
        "call_id": "GatetrailCallId",
    },
    Format.LEEF: {
        "event_id": "eventId",
        "trace_id": "traceId",
        "user_id": "usrName",
        "session_id": "sessionId",
        "context_id": "contextId",
        "client_id": "clientId",
        "task_id": "taskId",
        "execution_id": "executionId",
        "call_id": "callId",
    },
}
PLACES[Format.OCSF_1_9] = PLACES[Format.OCSF]

DERIVED = {
    "@timestamp",
    "schema_version",
    "level",
    "severity_id",
    "vendor_product",
    "latency_ms",
    "product_version",
}
"""What is given in another form somewhere; each format's own tests look at that."""


def read(chosen: Format, line: bytes) -> dict[str, Any]:
    match chosen:
        case Format.CEF:
            return read_cef(line.decode()).fields
        case Format.LEEF:
            return read_leef(line.decode()).fields
        case _:
            return cast("dict[str, Any]", orjson.loads(line))


def at(told: dict[str, Any], path: str) -> object:
    value: Any = told
    for part in path.split("."):
        value = value[part]
    return value


@pytest.mark.parametrize("chosen", Format)
def test_every_id_is_in_its_place(chosen: Format) -> None:
    line = render_of(chosen)(entry_of(decided(make_stamp(), **IDS)))
    told = read(chosen, line)
    assert {key: at(told, PLACES[chosen][key]) for key in IDS} == IDS


@pytest.mark.parametrize("chosen", [Format.ECS, Format.OCSF, Format.OCSF_1_9])
@given(event=any_events())
def test_nothing_is_lost_on_the_way_into_another_schema(chosen: Format, event: Record) -> None:
    told = leaves(orjson.loads(render_of(chosen)(entry_of(event))))
    for key, value in keys_of(event).items():
        if key not in DERIVED:
            values = cast("tuple[object, ...]", value) if isinstance(value, tuple) else (value,)
            assert all(one in told for one in values if one != ""), key  # an empty text says nothing
