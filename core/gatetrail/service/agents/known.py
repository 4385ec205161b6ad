"""The kinds of agents that are understood. Another one: a file beside `claude_code`, and an entry here."""

from __future__ import annotations

from collections.abc import Mapping

from gatetrail.service.agents.claude_code import ClaudeCode
from gatetrail.service.agents.report import Agent
from gatetrail.settings.agents import AgentSettings, AgentSource

CLAUDE_CODE = ClaudeCode()

HOOKS = "/hooks/"
AGENTS: Mapping[str, Agent] = {f"{HOOKS}{agent.source}": agent for agent in (CLAUDE_CODE,)}
"""By the path of their reports."""


def source_of(agent: Agent, settings: AgentSettings) -> AgentSource:
    """What the platform team has set for a kind of agent."""
    return {CLAUDE_CODE.source: settings.claude_code}[agent.source]
