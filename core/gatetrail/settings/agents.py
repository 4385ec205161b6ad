"""Agents that report what they do with tools of their own."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field


class AgentSource(BaseModel):
    """One kind of agent."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    server: Annotated[str, Field(min_length=1, max_length=128, examples=["claude-code"])]
    """The server of the policy that the agent's own tools are under. Agents cannot choose another."""
    approve: bool = False
    """False: an allowed call goes on to the agent's own permission rules and prompts. True: it is approved here, and
    these are passed over."""


class AgentSettings(BaseModel):
    """What is reported to `/hooks/…`."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    claude_code: AgentSource = AgentSource(server="claude-code")
    report_within_s: Annotated[float, Field(ge=1, le=604_800, examples=[3_600])] = 86_400.0
    """An allowed call whose end was not reported after this long is closed as orphaned. The agent may have asked its
    user in between, so the policy's time limits do not count here."""
