"""The sample policy fits the sample servers."""

from __future__ import annotations

from dataclasses import dataclass

import anyio
import pytest
from mcp import Client

from gatetrail.call import Kind
from gatetrail.gates.pipeline import Gates
from gatetrail.gates.state import GateState
from gatetrail.identity.caller import Anonymous
from gatetrail.policy.globs import compile_glob
from gatetrail.policy.servers import Requirement
from gatetrail.runtime.sample import sample_policy, sample_servers
from gatetrail.service.agents.known import CLAUDE_CODE


@dataclass(frozen=True)
class Names:
    """What a server has."""

    tools: set[str]
    resources: set[str]
    prompts: set[str]


async def names_of(server_name: str) -> Names:
    async with Client(sample_servers()[server_name]) as client:
        templates = (await client.list_resource_templates()).resource_templates
        return Names(
            {tool.name for tool in (await client.list_tools()).tools},
            {str(resource.uri) for resource in (await client.list_resources()).resources}
            | {template.uri_template for template in templates},
            {prompt.name for prompt in (await client.list_prompts()).prompts},
        )


def unused(entries: dict[str, Requirement], names: set[str]) -> list[str]:
    """Patterns that fit nothing that exists."""
    return [pattern for pattern in entries if not any(compile_glob(pattern).fullmatch(name) for name in names)]


def test_the_policy_is_for_exactly_these_servers_and_a_coding_agent() -> None:
    assert set(sample_policy().document.servers) == {*sample_servers(), CLAUDE_CODE.source}


@pytest.mark.parametrize("server_name", ["finance", "engineering"])
def test_the_policy_names_only_what_exists(server_name: str) -> None:
    names = anyio.run(names_of, server_name)
    server = sample_policy().document.servers[server_name]
    assert unused(server.tools, names.tools) == []
    assert unused(server.resources, names.resources) == []
    assert unused(server.prompts, names.prompts) == []
    assert 5 <= len(names.tools) <= 6
    assert names.resources
    assert names.prompts


def test_finance_lists_every_tool_that_it_has() -> None:
    names = anyio.run(names_of, "finance")
    assert set(sample_policy().document.servers["finance"].tools) == names.tools


def test_without_a_token_only_the_public_tool_shows() -> None:
    gates = Gates(sample_policy(), GateState())
    names = {server_name: anyio.run(names_of, server_name) for server_name in sample_servers()}
    shown = {
        (server_name, tool)
        for server_name, found in names.items()
        for tool in found.tools
        if gates.visible(Anonymous(), server_name, Kind.TOOL, tool)
    }
    assert shown == {("engineering", "service_status")}


def test_each_load_gives_fresh_servers_and_the_same_policy() -> None:
    assert sample_policy() == sample_policy()
    assert sample_servers()["finance"] is not sample_servers()["finance"]
