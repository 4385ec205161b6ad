"""Reports go to whichever worker is there, also when the one that decided has been killed."""

from __future__ import annotations

import json
import os
import signal
import sys
from collections.abc import Mapping
from pathlib import Path

import psycopg
import pytest

from tests.agent_loop import AgentLoop
from tests.cli.conftest import Gatetrail
from tests.cli.test_serve import token, url_of

pytestmark = [pytest.mark.postgres, pytest.mark.slow, pytest.mark.requirement("A9")]


def agent_on(gatetrail: Gatetrail, url: str) -> AgentLoop:
    programs = str(Path(sys.executable).parent)
    variables: Mapping[str, str] = {
        **gatetrail.environment,
        "PATH": f"{programs}:{os.environ['PATH']}",
        "GATETRAIL_URL": url,
        "GATETRAIL_TOKEN": token(gatetrail),
    }
    printed = gatetrail("hook", "--settings", "command").out
    return AgentLoop(json.loads(printed), variables, "s-workers")


def statuses(gatetrail: Gatetrail) -> list[str]:
    with psycopg.connect(gatetrail.variables["GATETRAIL_DSN"]) as connection:
        rows = connection.execute("SELECT status FROM mcp_tool_executions ORDER BY execution_id").fetchall()
    return [row[0] for row in rows]


def test_a_use_outlives_the_kill_of_what_decided_on_it(gatetrail: Gatetrail) -> None:
    use = {"tool_name": "Bash", "tool_input": {"command": "make"}}
    first = gatetrail.start("serve", "--port", "0", "--no-sinks")
    agent = agent_on(gatetrail, url_of(first))
    for number in range(3):
        assert agent.moment("PreToolUse", **use, tool_use_id=f"toolu_{number}").denied is None
    first.end(signal.SIGKILL)
    assert "has not decided" in (agent.use("Bash").denied or "")

    second = gatetrail.start("serve", "--port", "0", "--no-sinks", "--workers", "2")
    agent.environment = {**agent.environment, "GATETRAIL_URL": url_of(second)}
    assert statuses(gatetrail) == ["pending"] * 3
    for number in range(3):
        heard = agent.moment("PostToolUse", **use, tool_use_id=f"toolu_{number}")
        assert not heard.failed
    assert agent.use("Bash", command="make").denied is None
    assert statuses(gatetrail) == ["success"] * 4
    agent.moment("SessionEnd")
    assert second.end() == 0
