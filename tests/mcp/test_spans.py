"""The gate in a program that traces by itself: events are found by the trace of its spans."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

import pytest

from tests.checkout import ROOT
from tests.mcp.traced import TRACEPARENT
from tests.mcp.wire import ERAS

WITHIN_S = 60.0


@pytest.mark.slow
@pytest.mark.parametrize(("kind", "era"), [("mcpserver", ERAS[0]), ("lowlevel", ERAS[1]), ("fastmcp", ERAS[1])])
def test_decisions_have_the_trace_and_the_span_of_their_message(kind: str, era: str) -> None:
    command = [sys.executable, "-W", "ignore", "-m", "tests.mcp.traced", kind, era]
    ran = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=WITHIN_S, check=False)
    assert ran.returncode == 0, ran.stderr
    told: dict[str, list[dict[str, Any]]] = json.loads(ran.stdout.splitlines()[-1])
    spans = {span["span_id"]: span for span in told["spans"]}
    first, second = told["decisions"]
    _, trace_id, parent_id, _ = TRACEPARENT.split("-")
    assert first["trace_id"] == trace_id
    assert second["trace_id"] != trace_id
    for decision in (first, second):
        span = spans[decision["span_id"]]
        assert (span["trace_id"], span["name"]) == (decision["trace_id"], "tools/call get_invoice")
    last = spans[first["span_id"]]
    while last["parent_id"] in spans:
        last = spans[last["parent_id"]]
    assert last["parent_id"] == parent_id
