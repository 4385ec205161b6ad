"""The samples that run when nothing else is named: a policy, and the two servers that it is for."""

from __future__ import annotations

from importlib.resources import files
from typing import TYPE_CHECKING

from gatetrail.policy.load import parse_policy
from gatetrail.policy.model import Policy

if TYPE_CHECKING:
    from mcp.server import MCPServer

SOURCE = "gatetrail/samples/policy.yaml"


def sample_policy() -> Policy:
    """The policy that comes with the package."""
    return parse_policy(sample_policy_text(), SOURCE)


def sample_policy_text() -> str:
    """The policy as its file has it, comments too: a start for one's own."""
    return (files("gatetrail.samples") / "policy.yaml").read_text("utf-8")


def sample_servers() -> dict[str, MCPServer]:
    """Fresh servers by the name under which the sample policy knows them, without a gate."""
    from gatetrail.samples.engineering import engineering_server
    from gatetrail.samples.finance import finance_server

    return {"finance": finance_server(), "engineering": engineering_server()}
