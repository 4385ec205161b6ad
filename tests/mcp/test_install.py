"""Where the gate goes in, and where it refuses to."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import pytest
from fastmcp import FastMCP
from mcp.server.lowlevel import Server
from mcp.server.mcpserver import MCPServer

from gatetrail.errors import ServerNotSupported
from gatetrail.mcp.hosts.find import host_of
from tests.mcp.conftest import Gate
from tests.mcp.servers import NAME, build


@pytest.mark.requirement("A7")
def test_an_object_that_is_no_server_is_named_in_the_refusal(gate: Gate) -> None:
    with pytest.raises(ServerNotSupported, match=r"builtins\.dict; expected an MCPServer"):
        gate.adapter.install({}, name=NAME)  # type: ignore[arg-type] # pyright: ignore[reportArgumentType]


@pytest.mark.requirement("A7")
@pytest.mark.parametrize("found", ["2.2.9", "2.4.0", "1.9.0", "2.30.0"])
def test_another_series_of_the_sdk_is_refused(found: str) -> None:
    with pytest.raises(ServerNotSupported, match=rf"the installed mcp package is {found}; the gate needs 2\.3\.x"):
        host_of(MCPServer("any"), sdk_version=found)


@pytest.mark.requirement("A7")
@pytest.mark.parametrize("kind", ["mcpserver", "lowlevel", "fastmcp"])
def test_a_server_has_one_gate(gate: Gate, kind: str) -> None:
    sample = build(kind)
    gate.adapter.install(sample.server, name=NAME)
    with pytest.raises(ServerNotSupported, match="has a gate already"):
        gate.adapter.install(sample.server, name=NAME)
    with pytest.raises(ServerNotSupported, match="has a gate already"):
        gate.adapter.install(sample.low, name=NAME)


@pytest.mark.requirement("A7")
def test_the_low_level_server_of_a_fastmcp_stands_for_the_whole(gate: Gate) -> None:
    server = FastMCP("whole")
    low: Server[Any] = vars(server)["_mcp_server"]
    gate.adapter.install(low, name=NAME)
    with pytest.raises(ServerNotSupported, match="has a gate already"):
        gate.adapter.install(server, name=NAME)


@pytest.mark.requirement("A7")
def test_fastmcp_is_not_needed_for_the_adapter() -> None:
    program = "import sys, gatetrail.mcp; sys.exit('fastmcp' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0


@pytest.mark.requirement("A7")
def test_other_servers_of_the_same_class_stay_as_they_are(gate: Gate) -> None:
    for kind in ("mcpserver", "lowlevel", "fastmcp"):
        gated, other = build(kind), build(kind)
        before = other.low.get_request_handler("tools/call")
        gate.adapter.install(gated.server, name=NAME)
        assert other.low.get_request_handler("tools/call") is before
