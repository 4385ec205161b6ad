"""What the service says of itself on stderr."""

from __future__ import annotations

import asyncio
import io
import json
import logging
from collections.abc import Generator
from contextlib import contextmanager
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatetrail.cli.logs import TextLines, placed
from gatetrail.redaction.log_lines import redacted_objects
from gatetrail.traces import REQUEST, TRACE
from tests.cli.conftest import WITHIN_S, Gatetrail, Running
from tests.mcp.wire import ERAS, Wire

SERVER = """
import logging
from mcp.server import MCPServer

server = MCPServer("own")
log = logging.getLogger("my.tools")

@server.tool()
def speak() -> str:
    log.warning("line one\\nline two, password=hunter2Zq9xLm")
    return "done"
"""
POLICY = "servers: {own: {tier: user}}\n"
TRACE_ID = "4bf92f3577b34da6a3ce929d0e0e4736"
TRACEPARENT = f"00-{TRACE_ID}-00f067aa0ba902b7-01"


@pytest.fixture
def prepared(gatetrail: Gatetrail) -> Gatetrail:
    (gatetrail.folder / "mine.py").write_text(SERVER)
    (gatetrail.folder / "policy.yaml").write_text(POLICY)
    return gatetrail


def serve(gatetrail: Gatetrail, logs: str) -> tuple[Running, str]:
    """A service with these settings of its log, and its URL."""
    config = "servers: {own: {python: 'mine:server'}}\npolicy: policy.yaml\n"
    (gatetrail.folder / "service.yaml").write_text(config + logs)
    service = gatetrail.start("serve", "--port", "0", "--config", "service.yaml")
    lines = service.err.wait_for(lambda lines: any("A token for a caller" in line for line in lines))
    announced = next(line for line in lines if "Listening on" in line)
    return service, announced.partition("Listening on ")[2].partition(" ")[0]


async def ask(url: str, era: str, token: str) -> httpx.Response:
    async with httpx.AsyncClient(timeout=WITHIN_S) as http:
        wire = Wire(http, f"{url}/mcp/own", era, token, headers={"traceparent": TRACEPARENT, "x-request-id": "req-1"})
        await wire.open()
        assert (await wire.call("speak")).result["content"][0]["text"] == "done"
        await http.get(f"{url}/healthz")
        return await http.get(f"{url}/v1/events?since=hunter2Zq9xLm", headers={"x-request-id": "bad\tid"})


@pytest.mark.postgres
@pytest.mark.slow
@pytest.mark.requirement("G5", "F3")
def test_as_json_every_line_is_an_object_and_those_of_a_call_have_its_trace(prepared: Gatetrail) -> None:
    service, url = serve(prepared, "logs: {format: json}\n")
    token = prepared("token", "mint", "--user", "ann", "--tier", "user", "--config", "service.yaml").out.strip()
    refused = asyncio.run(ask(url, ERAS[0], token))
    assert service.end() == 0
    objects: list[dict[str, Any]] = [json.loads(line) for line in service.err.wait_for(lambda _lines: True)]
    assert all(one.keys() >= {"timestamp", "level", "logger", "message"} for one in objects)
    assert {"gatetrail.service", "uvicorn.error", "gatetrail.http", "my.tools"} <= {one["logger"] for one in objects}
    assert "hunter2" not in json.dumps(objects)

    (spoken,) = [one for one in objects if one["logger"] == "my.tools"]
    assert spoken["message"].startswith("line one\nline two, password=[redacted")
    assert (spoken["trace_id"], spoken["request_id"], spoken["level"]) == (TRACE_ID, "req-1", "WARNING")

    requests = [one for one in objects if one["logger"] == "gatetrail.http"]
    called = [one for one in requests if one["path"] == "/mcp/own"][-1]
    assert (called["method"], called["status"], called["trace_id"]) == ("POST", 200, TRACE_ID)
    assert 0 < called["duration_ms"] < WITHIN_S * 1000
    assert "/healthz" not in {one["path"] for one in requests}
    asked = requests[-1]
    assert (asked["path"], asked["status"]) == ("/v1/events", refused.status_code)
    assert asked["request_id"] == refused.headers["x-request-id"] != "bad\tid"

    events = prepared(
        "events", "--trace", TRACE_ID, "--event", "tool_call.*", "--json", "--config", "service.yaml"
    ).objects
    assert [event["event_name"] for event in events] == ["tool_call.decided", "tool_call.completed"]


@pytest.mark.postgres
@pytest.mark.slow
def test_as_text_only_warnings_are_told_unless_more_is_asked_for(prepared: Gatetrail) -> None:
    service, url = serve(prepared, "")
    token = prepared("token", "mint", "--user", "ann", "--tier", "user", "--config", "service.yaml").out.strip()
    asyncio.run(ask(url, ERAS[1], token))
    assert service.end() == 0
    told = service.err.wait_for(lambda _lines: True)
    (spoken,) = [line for line in told if "my.tools" in line]
    assert spoken.partition(" WARNING ")[2].startswith("my.tools: line one\\nline two, password=[redacted")
    assert spoken.endswith(f" trace={TRACE_ID}")
    assert not [line for line in told if "gatetrail.http" in line or "uvicorn" in line]


@contextmanager
def logging_to(formatter: logging.Formatter) -> Generator[tuple[logging.Logger, io.StringIO]]:
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    handler.addFilter(placed)
    handler.setFormatter(formatter)
    log = logging.Logger("a.package")  # noqa: LOG001 -- stands for a foreign one
    log.addHandler(handler)
    yield log, stream


@given(st.text(), st.text())
def test_no_message_begins_a_line_of_its_own(message: str, more: str) -> None:
    with logging_to(TextLines()) as (log, stream):
        log.error("%s", message, extra={"more": more})
        log.error("the next")
    first, second = stream.getvalue().splitlines()
    assert " ERROR a.package: " in first
    assert second.endswith(" ERROR a.package: the next")


def test_a_traceback_is_indented() -> None:
    with logging_to(TextLines()) as (log, stream):
        try:
            int("2026-01-01T00:00:00Z ERROR forged\n2026-01-01T00:00:00Z ERROR forged too")
        except ValueError:
            log.exception("failed")
    first, *rest = stream.getvalue().splitlines()
    assert first.endswith("ERROR a.package: failed")
    assert rest[0] == "    Traceback (most recent call last):"
    assert all(line.startswith("    ") for line in rest)


@given(
    st.text(), st.dictionaries(st.text(min_size=1).map(lambda key: f"x{key}"), st.text() | st.integers() | st.none())
)
def test_every_record_is_one_line_of_json(message: str, more: dict[str, Any]) -> None:
    with logging_to(redacted_objects()) as (log, stream):
        log.warning("%s", message, extra=more)
    line = stream.getvalue()
    assert line.count("\n") == 1
    assert line.isascii()
    told = json.loads(line)
    assert (told["level"], told["logger"]) == ("WARNING", "a.package")
    assert told.keys() - {"timestamp", "level", "logger", "message"} == {k for k, v in more.items() if v is not None}


def test_lines_of_a_call_carry_its_trace_and_its_request() -> None:
    tokens = TRACE.set(TRACE_ID), REQUEST.set("req-1")
    try:
        with logging_to(redacted_objects()) as (log, stream):
            log.warning("token=%s, trying again", "hunter2Zq9xLm", exc_info=ValueError("password=hunter2Zq9xLm"))
    finally:
        TRACE.reset(tokens[0])
        REQUEST.reset(tokens[1])
    told = json.loads(stream.getvalue())
    assert (told["trace_id"], told["request_id"]) == (TRACE_ID, "req-1")
    assert told["message"] == "token=[redacted:secret_pair], trying again"
    assert "hunter2" not in told["exc_info"]
    assert told["timestamp"].endswith("Z")
