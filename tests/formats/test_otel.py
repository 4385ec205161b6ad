"""Events as OpenTelemetry log records."""

from __future__ import annotations

from typing import Any, cast, get_args

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from pydantic.fields import FieldInfo

from gatetrail.clock import rfc3339
from gatetrail.events.fields import Record
from gatetrail.events.model import (
    AuditSinkFailed,
    Event,
    ExecutionOrphaned,
    IdentityRefused,
    LifecycleReported,
    ManifestListed,
    ScannerDetected,
)
from gatetrail.events.wire import canonical, keys_of
from gatetrail.formats.otel import OtelRecord, otel_record
from gatetrail.severity import SEVERITIES
from gatetrail.words import ExecutionStatus, GateName, Level, ReasonCode
from gatetrail_sinks.otlp import messages
from tests.entries import NASTY
from tests.samples import completed, decided, make_stamp
from tests.sinks.otlp_receiver import Arrived, arrivals

pytestmark = pytest.mark.requirement("E11")

KINDS: tuple[type[Record], ...] = get_args(get_args(Event)[0])
STAMP = make_stamp()

HASHES = st.binary(min_size=32, max_size=32).map(bytes.hex)
TRACES = st.one_of(st.binary(min_size=16, max_size=16).map(bytes.hex), st.sampled_from(["0" * 32, "A" * 32, *NASTY]))
SPANS = st.one_of(st.binary(min_size=8, max_size=8).map(bytes.hex), st.sampled_from(["0" * 16, *NASTY]))
GIVEN: dict[str, st.SearchStrategy[Any]] = {
    "timestamp": st.integers(0, 4_102_444_800_000_000).map(rfc3339),
    "latency_ms": st.one_of(st.integers(0, 10**9), st.floats(0, 1e9, allow_nan=False)),
    "method": st.one_of(st.sampled_from(["tools/call", "prompts/get", "resources/read", "GET", "get"]), st.text()),
}
OPTIONAL: dict[str, st.SearchStrategy[Any]] = {
    "trace_id": TRACES,
    "span_id": SPANS,
    "prev_hash": HASHES,
    "event_hash": HASHES,
}


def values_of(name: str, field: FieldInfo) -> st.SearchStrategy[Any]:
    if name in OPTIONAL:
        return st.none() | OPTIONAL[name]
    if name in GIVEN:
        return GIVEN[name]
    return st.from_type(cast("type[Any]", field.annotation)).map(in_bounds)


def in_bounds(value: Any) -> Any:
    return value % 2**53 if type(value) is int else value


def lines_of(kind: type[Record]) -> st.SearchStrategy[bytes]:
    keys = st.fixed_dictionaries({name: values_of(name, field) for name, field in kind.model_fields.items()})
    return keys.map(lambda keys: canonical(keys_of(kind.trusted(keys))))


def sent(record: OtelRecord) -> Arrived:
    """The record as the other side gets it."""
    body = messages.request([messages.letter(1, record, 5)], packed=False)
    (arrived,) = arrivals(ExportLogsServiceRequest.FromString(body))
    return arrived


def record_of(event: Record, **over: Any) -> OtelRecord:
    return otel_record(canonical(keys_of(event) | over))


@pytest.mark.parametrize("kind", KINDS)
@settings(max_examples=30)
@given(st.data())
def test_nothing_of_an_event_is_lost_and_its_line_can_be_made_anew(kind: type[Record], data: st.DataObject) -> None:
    line = data.draw(lines_of(kind))
    assert sent(otel_record(line)).native_line() == line


@given(st.one_of(*(lines_of(kind) for kind in KINDS)))
def test_a_record_never_has_an_attribute_that_would_be_wrong_or_is_others_to_give(line: bytes) -> None:
    arrived = sent(otel_record(line))
    names = set(arrived.attributes)
    assert "mcp.session.id" not in names
    assert not names & {"enduser.role", "enduser.scope", "gen_ai.tool.call.arguments", "gen_ai.tool.call.result"}
    assert arrived.record.event_name.startswith("mcp_governance.")
    assert ("error.type" in names) == (
        arrived.attributes.get("mcp_governance.execution_status") in {"failed", "timeout"}
    )


def test_a_denied_call() -> None:
    event = decided(STAMP, denied=True, call_id="7", context_id="talk", client_id="agent-1", caller_type="a2a")
    record = record_of(event, src_ip="10.0.0.9", http_user_agent="curl", roles=["a", "b"], rule_id="servers.finance")
    attributes = record.attributes
    assert record.event_name == "mcp_governance.tool_call.decided"
    assert (record.trace_id, record.span_id) == (b"\xaa" * 16, b"")
    assert record.body == event.message
    assert (record.severity.otel_number, record.severity.otel_text) == (9, "INFO")
    assert rfc3339(record.time_unix_nano // 1000) == event.timestamp
    assert record.time_unix_nano % 1000 == 0
    expected: dict[str, Any] = {
        "client.address": "10.0.0.9",
        "gen_ai.agent.id": "agent-1",
        "gen_ai.conversation.id": "talk",
        "gen_ai.operation.name": "execute_tool",
        "gen_ai.tool.name": "get_invoice",
        "jsonrpc.request.id": "7",
        "log.record.uid": event.event_id,
        "mcp.method.name": "tools/call",
        "mcp_governance.client_id": "agent-1",
        "mcp_governance.decision": "deny",
        "mcp_governance.gate": "scope",
        "mcp_governance.reason_code": "tier_too_low",
        "security_rule.category": "scope",
        "security_rule.name": "servers.finance",
        "security_rule.ruleset.name": "gatetrail policy",
        "security_rule.version": "0123456789abcdef",
        "session.id": "session-1",
        "user.id": "ann",
        "user.roles": ["a", "b"],
        "user_agent.original": "curl",
    }
    assert attributes.items() >= expected.items()


def test_an_allowed_call_names_no_rule_and_its_caller_is_no_agent_unless_it_says_so() -> None:
    attributes = record_of(decided(STAMP, client_id="browser")).attributes
    assert not [name for name in attributes if name.startswith("security_rule.")]
    assert "gen_ai.agent.id" not in attributes
    assert attributes["mcp_governance.client_id"] == "browser"


@pytest.mark.parametrize(
    ("status", "error_class", "error_type"),
    [
        (ExecutionStatus.SUCCESS, None, None),
        (ExecutionStatus.FAILED, "tool_error", "tool_error"),
        (ExecutionStatus.FAILED, "ValueError", "ValueError"),
        (ExecutionStatus.FAILED, None, "_OTHER"),
        (ExecutionStatus.TIMEOUT, "time_limit", "timeout"),
    ],
)
def test_an_outcome_has_an_error_type_only_when_it_failed(
    status: ExecutionStatus, error_class: str | None, error_type: str | None
) -> None:
    event = completed(STAMP, decided(STAMP), status).model_copy(update={"error_class": error_class})
    attributes = record_of(event).attributes
    assert attributes.get("error.type") == error_type
    assert attributes.get("mcp_governance.error_class") == error_class
    assert attributes["mcp_governance.latency_ms"] == 1.5


@pytest.mark.parametrize(
    ("method", "name"),
    [
        ("tools/call", "gen_ai.tool.name"),
        ("prompts/get", "gen_ai.prompt.name"),
        ("resources/read", "mcp.resource.uri"),
        ("tools/list", "mcp_governance.tool_name"),
    ],
)
def test_what_a_call_names_is_told_by_its_method(method: str, name: str) -> None:
    attributes = record_of(decided(STAMP, method=method, tool_name="it")).attributes
    assert attributes[name] == "it"
    assert ("gen_ai.operation.name" in attributes) == (method == "tools/call")


def test_an_orphaned_execution_is_a_failure() -> None:
    event = ExecutionOrphaned(
        **STAMP(Level.WARNING, "gone"), execution_id="x", server_name="s", tool_name="t", orphaned_instance_id="i"
    )
    record = record_of(event)
    assert record.attributes["error.type"] == "orphaned"
    assert record.severity.otel_text == "WARN"


@pytest.mark.parametrize(
    ("method", "expected"),
    [
        ("GET", {"http.request.method": "GET"}),
        ("get", {"http.request.method": "_OTHER", "http.request.method_original": "get"}),
    ],
)
def test_a_probe_is_an_http_request_and_no_mcp_call(method: str, expected: dict[str, str]) -> None:
    event = ScannerDetected(
        **STAMP(Level.ERROR, "a probe"),
        reason_code=ReasonCode.PROBE_PATH,
        reason="/.env is asked for by scanners",
        rule_id="paths",
        method=method,
        endpoint="/.env",
    )
    record = record_of(event)
    attributes = record.attributes
    assert {name: value for name, value in attributes.items() if name.startswith("http.")} == expected
    assert attributes["url.path"] == "/.env"
    assert attributes["security_rule.category"] == GateName.SCANNER
    assert "mcp.method.name" not in attributes
    assert record.severity.otel_number == 17


def test_the_other_kinds_of_events() -> None:
    refused = record_of(
        IdentityRefused(
            **STAMP(Level.WARNING, "no"), reason_code="expired", reason="r", auth_method="bearer", endpoint="/mcp/x"
        )
    )
    listed = record_of(
        ManifestListed(
            **STAMP(Level.INFO, "a list"),
            server_name="s",
            method="tools/list",
            actual_tier="user",
            shown_count=2,
            hidden_count=1,
            policy_version="v",
        )
    )
    reported = record_of(
        LifecycleReported(**STAMP(Level.INFO, "m"), event_name="lifecycle.pre_tool_use", tool_name="Bash")
    )
    failed = record_of(
        AuditSinkFailed(**STAMP(Level.CRITICAL, "m"), sink_name="siem", cursor_seq=2**62, reason="no answer")
    )
    assert refused.attributes["url.path"] == "/mcp/x"
    assert listed.attributes.items() >= {"mcp.method.name": "tools/list", "mcp_governance.hidden_count": 1}.items()
    assert reported.attributes["gen_ai.tool.name"] == "Bash"
    assert reported.event_name == "mcp_governance.lifecycle.pre_tool_use"
    assert failed.attributes["mcp_governance.cursor_seq"] == 2**62
    assert failed.severity is SEVERITIES[Level.CRITICAL]


@pytest.mark.parametrize("trace_id", ["0" * 32, "A" * 32, "a" * 31, "a b " * 8, "ä" * 32])
def test_a_trace_id_that_is_none_stays_a_text_and_takes_the_span_with_it(trace_id: str) -> None:
    record = record_of(decided(STAMP, trace_id=trace_id, span_id="b" * 16))
    assert (record.trace_id, record.span_id) == (b"", b"")
    assert record.attributes["mcp_governance.trace_id"] == trace_id
    assert record.attributes["mcp_governance.span_id"] == "b" * 16


def test_with_another_body_the_message_becomes_an_attribute() -> None:
    event = decided(STAMP)
    line = canonical(keys_of(event))
    record = otel_record(line, "CEF:0|…")
    assert record.body == "CEF:0|…"
    assert record.attributes == otel_record(line).attributes | {"mcp_governance.message": event.message}


@pytest.mark.parametrize(
    "line",
    [
        b"",
        b"no JSON",
        b"[]",
        b"{}",
        b'{"a": "\\ud800"}',
        canonical({**keys_of(decided(STAMP)), "level": "loud"}),
        canonical({**keys_of(decided(STAMP)), "@timestamp": "yesterday"}),
        canonical({**keys_of(decided(STAMP)), "reason": None}),
        canonical({**keys_of(decided(STAMP)), "roles": [1]}),
        canonical({**keys_of(decided(STAMP)), "user_id": {"name": "ann"}}),
    ],
)
def test_what_is_no_event_is_refused(line: bytes) -> None:
    with pytest.raises(ValueError, match=r".") as told:
        otel_record(line)
    assert str(told.value)
