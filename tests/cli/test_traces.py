"""Traces of a real service, at a real receiver, beside the record."""

from __future__ import annotations

import asyncio
import socket
import subprocess
import sys
from collections.abc import Generator
from pathlib import Path
from typing import Any, cast

import httpx
import httpx2
import pytest
from mcp import Client, MCPError
from mcp.client.streamable_http import streamable_http_client
from opentelemetry.trace import NonRecordingSpan, SpanContext, TraceFlags, use_span

from gatetrail.errors import SettingsInvalid
from gatetrail.runtime.tracing import headers_of
from gatetrail.settings import TraceSettings, load_settings
from tests.cli.conftest import WITHIN_S, Gatetrail, Running, stopwatch
from tests.cli.otlp_traces import Arrived, TraceReceiver, receiving
from tests.mcp.wire import ERAS, Wire

pytestmark = [pytest.mark.postgres, pytest.mark.slow, pytest.mark.requirement("G5")]

SERVER = """
from mcp.server.lowlevel import Server
from mcp_types import CallToolResult, ListToolsResult, TextContent, Tool

async def list_tools(ctx, params):
    return ListToolsResult(tools=[Tool(name=name, input_schema={"type": "object"}) for name in ("add", "fails", "pay")])

async def call_tool(ctx, params):
    if params.name == "fails":
        raise LookupError(f"nothing found for {params.arguments}")
    return CallToolResult(content=[TextContent(type="text", text="3")])

server = Server("own", on_list_tools=list_tools, on_call_tool=call_tool)
"""
POLICY = "servers: {own: {tier: user, conceal: false, tools: {pay: {tier: admin}}}}\n"
TRACE_ID = "4bf92f3577b34da6a3ce929d0e0e4736"
PARENT_ID = "00f067aa0ba902b7"
OURS = "mcp_governance."


@pytest.fixture
def receiver() -> Generator[TraceReceiver]:
    with receiving() as running:
        yield running


def serve(gatetrail: Gatetrail, traces: str) -> tuple[Running, str, str]:
    """A service with these traces, its URL, and a token for it."""
    (gatetrail.folder / "mine.py").write_text(SERVER)
    (gatetrail.folder / "policy.yaml").write_text(POLICY)
    config = f"servers: {{own: {{python: 'mine:server'}}}}\npolicy: policy.yaml\ntraces: {traces}\n"
    (gatetrail.folder / "service.yaml").write_text(config)
    service = gatetrail.start("serve", "--port", "0", "--config", "service.yaml", TRACE_KEY="hunter2Zq9xLm")
    lines = service.err.wait_for(lambda lines: any(line.startswith("A token for a caller:") for line in lines))
    url = next(line for line in lines if "Listening on" in line).partition("Listening on ")[2].partition(" ")[0]
    token = gatetrail("token", "mint", "--user", "ann", "--tier", "user", "--config", "service.yaml").out.strip()
    return service, url, token


def events_of(gatetrail: Gatetrail, name: str, **keys: str) -> list[dict[str, Any]]:
    found = gatetrail("events", "--event", name, "--limit", "0", "--format", "json").objects
    return [event for event in found if all(event.get(key) == value for key, value in keys.items())]


async def call_all(url: str, token: str, mode: str) -> None:
    """With the SDK's own client, which carries the trace of the span that is open here."""
    parent = SpanContext(int(TRACE_ID, 16), int(PARENT_ID, 16), is_remote=False, trace_flags=TraceFlags(1))
    async with (
        httpx2.AsyncClient(headers={"Authorization": f"Bearer {token}"}, timeout=WITHIN_S) as http,
        Client(streamable_http_client(f"{url}/mcp/own", http_client=http), mode=mode) as client,
    ):
        with use_span(NonRecordingSpan(parent)):
            await client.call_tool("add", {"a": 77_777})
        for name in ("add", "pay", "fails"):
            try:
                await client.call_tool(name, {"a": 77_777, "password": "hunter2Zq9xLm"})
            except MCPError:
                assert name != "add"


def of_execution(arrived: list[Arrived], execution_id: str) -> Arrived:
    (found,) = [one for one in arrived if one.attributes.get(f"{OURS}execution_id") == execution_id]
    return found


@pytest.mark.parametrize("mode", ["legacy", "auto"])
def test_a_span_and_its_events_have_one_trace(gatetrail: Gatetrail, receiver: TraceReceiver, mode: str) -> None:
    traces = f"{{endpoint: '{receiver.url}', headers: {{x-key: {{from_env: TRACE_KEY}}}}, service_name: gate-7}}"
    service, url, token = serve(gatetrail, traces)
    asyncio.run(call_all(url, token, mode))
    assert service.end() == 0  # and what was not sent yet is sent now

    decided = events_of(gatetrail, "tool_call.decided")
    assert [event["tool_name"] for event in decided] == ["add", "add", "pay", "fails"]
    assert decided[0]["trace_id"] == TRACE_ID
    assert len({event["trace_id"] for event in decided}) == 4
    for event in decided:
        span = of_execution(receiver.named(f"tools/call {event['tool_name']}"), event["execution_id"])
        assert (span.trace_id, span.span_id) == (event["trace_id"], event["span_id"])
        inner = of_execution(receiver.named("gatetrail.decide"), event["execution_id"])
        assert (inner.trace_id, inner.span.parent_span_id.hex()) == (span.trace_id, span.span_id)
        assert span.span.start_time_unix_nano <= inner.span.start_time_unix_nano <= inner.span.end_time_unix_nano
        told = span.attributes
        for key in ("decision", "gate", "reason_code", "policy_version", "actual_tier", "required_tier", "decision_us"):
            assert told[OURS + key] == event[key]
        assert (told["gen_ai.tool.name"], told["mcp.method.name"]) == (event["tool_name"], "tools/call")
    first = of_execution(receiver.named("tools/call add"), decided[0]["execution_id"])
    assert first.span.parent_span_id.hex() == PARENT_ID
    assert first.attributes[f"{OURS}execution_status"] == "success"
    assert first.resource["service.name"] == "gate-7"
    assert first.resource["service.instance.id"] == decided[0]["instance_id"]
    denied = receiver.named("tools/call pay")[0].attributes
    assert (denied["error.type"], denied["security_rule.category"]) == ("40301", "scope")
    failed = receiver.named("tools/call fails")[0]
    assert (failed.attributes["error.type"], failed.span.status.message) == ("LookupError", "")
    assert [event.name for event in failed.span.events] == ["exception"]

    assert receiver.headers[0]["x-key"] == "hunter2Zq9xLm"
    sent = "".join(str(arrived.span) for arrived in receiver.spans)
    assert "77777" not in sent
    assert "hunter2" not in sent
    assert "ann" not in {value for arrived in receiver.spans for value in arrived.attributes.values()}


def first_parent(receiver: TraceReceiver, last: Arrived) -> str:
    """Who began what a span is part of: FastAPI may have a span for the HTTP request in between."""
    known = {arrived.span_id: arrived for arrived in receiver.spans}
    while (parent := last.span.parent_span_id.hex()) in known:
        last = known[parent]
    return parent


@pytest.mark.parametrize(("era", "sample_ratio"), [(ERAS[0], 1), (ERAS[1], 0)])
def test_a_trace_that_comes_in_a_header_goes_on(
    gatetrail: Gatetrail, receiver: TraceReceiver, era: str, sample_ratio: int
) -> None:
    service, url, token = serve(gatetrail, f"{{endpoint: '{receiver.url}', sample_ratio: {sample_ratio}}}")

    async def ask() -> None:
        async with httpx.AsyncClient(timeout=WITHIN_S) as http:
            wire = Wire(http, f"{url}/mcp/own", era, token)
            await wire.open()
            await wire.call("add", traceparent=f"00-{TRACE_ID}-{PARENT_ID}-01")
            await wire.call("add", traceparent="00-" + "0" * 32 + "-0-01")
            await wire.call("add")
            for path in ("/healthz", "/metrics", "/v1/events?user=ann.walker"):
                await http.get(f"{url}{path}", headers={"authorization": f"Bearer {token}"})

    asyncio.run(ask())
    assert service.end() == 0
    events = events_of(gatetrail, "tool_call.decided")
    spans = {span.trace_id: span for span in receiver.named("tools/call add")}
    assert events[0]["trace_id"] == TRACE_ID  # who began the trace has decided that it is kept
    assert spans[TRACE_ID].span_id == events[0]["span_id"]
    assert first_parent(receiver, spans[TRACE_ID]) == PARENT_ID
    assert "ann.walker" not in str(receiver.spans)
    assert not {"GET /healthz", "GET /metrics"} & {arrived.span.name for arrived in receiver.spans}
    others = {event["trace_id"] for event in events[1:]}
    assert len(others - {TRACE_ID}) == 2
    assert others <= spans.keys() if sample_ratio else others.isdisjoint(spans.keys())


def test_a_collector_that_is_away_delays_nothing(gatetrail: Gatetrail) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:  # takes connections and never answers
        endpoint = f"http://127.0.0.1:{silent.getsockname()[1]}/v1/traces"
        service, url, token = serve(gatetrail, f"{{endpoint: '{endpoint}', timeout_ms: 60000}}")

        async def ask() -> float:
            async with httpx.AsyncClient(timeout=WITHIN_S) as http:
                wire = Wire(http, f"{url}/mcp/own", ERAS[1], token)
                elapsed_s = stopwatch()
                for _ in range(200):  # with three spans each, more than one batch of the exporter
                    await wire.call("add")
                return elapsed_s()

        took_s = asyncio.run(ask())
        elapsed_s = stopwatch()
        assert service.end() == 0
        assert elapsed_s() < 10
    assert len(events_of(gatetrail, "tool_call.decided", decision="allow")) > 0
    assert took_s < WITHIN_S


def test_without_its_packages_tracing_is_refused_in_a_line(gatetrail: Gatetrail) -> None:
    (gatetrail.folder / "service.yaml").write_text("traces: {endpoint: 'http://127.0.0.1:1/v1/traces'}\n")
    script = (
        "import sys; sys.modules['opentelemetry.sdk'] = None\n"
        "from gatetrail.cli.start import run\n"
        "sys.exit(run(['serve', '--port', '0', '--config', 'service.yaml']))"
    )
    ran = subprocess.run(
        [sys.executable, "-c", script],
        cwd=gatetrail.folder,
        env=gatetrail.environment,
        capture_output=True,
        text=True,
        timeout=WITHIN_S,
        check=False,
    )
    assert ran.returncode == 2
    assert "traces: need packages that are not installed" in ran.stderr
    assert "pip install 'gatetrail[otel]'" in ran.stderr
    assert "Traceback" not in ran.stderr


@pytest.mark.parametrize(
    ("traces", "wrong"),
    [
        ("{endpoint: 'collector:4318'}", "must be the whole URL"),
        ("{endpoint: 'http://u:hunter2@c/v1/traces'}", "credentials go into headers"),
        ("{endpoint: 'http://c/v1/traces', headers: {'a b': x}}", "a header's name may hold"),
        ("{endpoint: 'http://c/v1/traces', headers: {key: {from_env: NOT_THERE}}}", "NOT_THERE is not set"),
        ("{endpoint: 'http://c/v1/traces', headers: {key: {from_file: /not/there}}}", "/not/there cannot be read"),
        ("{endpoint: 'http://c/v1/traces', headers: {key: 'hunter2 '}}", "must be printable ASCII"),
        ("{endpoint: 'http://c/v1/traces', sample_ratio: 2}", "sample_ratio"),
    ],
)
def test_settings_that_cannot_be_are_refused_without_a_secret(tmp_path: Path, traces: str, wrong: str) -> None:
    config = tmp_path / "service.yaml"
    config.write_text(f"traces: {traces}\n")
    with pytest.raises(SettingsInvalid) as refused:
        headers_of(cast("TraceSettings", load_settings(config).traces), {})
    assert wrong in str(refused.value)
    assert "hunter2" not in str(refused.value)
