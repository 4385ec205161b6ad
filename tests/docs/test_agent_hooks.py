"""docs/agent-hooks.md: its settings are those that the command prints, and an agent can live by them."""

from __future__ import annotations

import json
import re
from collections.abc import AsyncIterator

import anyio
import pytest

from gatetrail.cli.agent_hook import TIMEOUT_S
from gatetrail.cli.hook_settings import AGENT_WAITS_S, command_settings, http_settings, text_of
from gatetrail.policy.load import parse_policy
from gatetrail.service.agents.report import MAX_PAYLOAD_BYTES
from gatetrail.settings.agents import AgentSettings
from tests.agent_loop import AgentLoop
from tests.checkout import ROOT
from tests.cli.test_hook import loop_of
from tests.service.agents.conftest import Agent
from tests.service.api.conftest import Service, module_dsn, serving_api

__all__ = ["module_dsn"]

pytestmark = [pytest.mark.anyio, pytest.mark.postgres, pytest.mark.requirement("A9")]

PAGE = (ROOT / "docs/agent-hooks.md").read_text("utf-8")
POLICY = PAGE.partition("```yaml\n")[2].partition("```")[0]
COMMAND, HTTP = re.findall(r"```json\n(.*?)```", PAGE, re.DOTALL)
EXAMPLE = "https://gatetrail.example"


@pytest.fixture(scope="module")
async def service(module_dsn: str, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Service]:
    async with serving_api(module_dsn, tmp_path_factory.mktemp("service"), POLICY) as running:
        yield running


def test_the_settings_are_what_the_command_prints() -> None:
    assert COMMAND.rstrip() == text_of(command_settings())
    assert HTTP.rstrip() == text_of(http_settings(EXAMPLE))


def test_the_numbers_are_those_of_the_code() -> None:
    assert f"no answer within {TIMEOUT_S:g} s" in PAGE
    assert AGENT_WAITS_S > TIMEOUT_S
    assert f"over {MAX_PAYLOAD_BYTES >> 20} MiB" in PAGE
    assert AgentSettings().report_within_s == 86_400
    assert parse_policy(POLICY, "policy.yaml").document.servers.keys() == {"claude-code"}


@pytest.mark.parametrize("pasted", [COMMAND, HTTP], ids=["command", "http"])
async def test_an_agent_lives_by_what_is_pasted(service: Service, pasted: str) -> None:
    settings = json.loads(pasted.replace(EXAMPLE, service.url))
    token = service.token()
    session_id = f"s-docs-{'http' if pasted is HTTP else 'command'}"
    loop = loop_of(settings, session_id, GATETRAIL_URL=service.url, GATETRAIL_TOKEN=token)
    await anyio.to_thread.run_sync(lives, loop)
    assert loop.used == ["Bash", "Edit"]
    rows = [(tool, status) for tool, status, _ in await Agent(service, session_id).rows()]
    assert rows == [
        ("Bash", "success"),
        ("Bash", "denied"),
        ("mcp__payroll__export", "denied"),
        ("Edit", "success"),
        ("WebFetch", "denied"),
    ]


def lives(agent: AgentLoop) -> None:
    agent.use("Bash", command="git push origin main")
    assert "people rewrite history" in (agent.use("Bash", command="git push --force origin main").denied or "")
    agent.use("mcp__payroll__export")
    agent.use("Edit", file_path="sql.py", old_string="", new_string="' OR 1=1 --")
    assert "web:read" in (agent.use("WebFetch", url="https://example.com").denied or "")
