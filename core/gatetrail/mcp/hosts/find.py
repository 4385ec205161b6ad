"""Which kind of server an object is, and whether the gate knows its version."""

from __future__ import annotations

import sys
from importlib.metadata import version
from typing import Any

from mcp.server.lowlevel import Server
from mcp.server.mcpserver import MCPServer

from gatetrail.errors import ServerNotSupported
from gatetrail.mcp.hosts.fastmcp import FastMCPHost
from gatetrail.mcp.hosts.host import Host
from gatetrail.mcp.hosts.lowlevel import KnowsNames, LowLevelHost, SelfKnowingHost
from gatetrail.mcp.hosts.mcpserver import MCPServerHost

SDK_SERIES = "2.3."
"""The gate sits on a few private names of the SDK; another series may have moved them."""

FASTMCP_SERIES = "4."


def host_of(server: object, *, sdk_version: str | None = None) -> Host:
    """The host of a server. Raises `ServerNotSupported` for other objects and other versions."""
    found = sdk_version or version("mcp")
    if not found.startswith(SDK_SERIES):
        raise ServerNotSupported(f"the installed mcp package is {found}; the gate needs {SDK_SERIES}x")
    if isinstance(server, MCPServer):
        return MCPServerHost(server)  # pyright: ignore[reportUnknownArgumentType]
    if _is_fastmcp(server):
        return FastMCPHost(server)
    if isinstance(server, Server):
        return _host_of_low(server)  # pyright: ignore[reportUnknownArgumentType]
    raise ServerNotSupported(
        f"cannot put the gate into {type(server).__module__}.{type(server).__qualname__}; "
        "expected an MCPServer, a low-level Server or a FastMCP"
    )


def _host_of_low(server: Server[Any]) -> Host:
    if isinstance(server, KnowsNames):
        return SelfKnowingHost(server, server)
    owner: object = getattr(server, "fastmcp", None)
    return LowLevelHost(server) if owner is None else FastMCPHost(owner)


def _is_fastmcp(server: object) -> bool:
    package = sys.modules.get("fastmcp")
    kind: object = getattr(package, "FastMCP", None) if package is not None else None
    if not isinstance(kind, type) or not isinstance(server, kind):
        return False
    found = version("fastmcp")
    if not found.startswith(FASTMCP_SERIES):
        raise ServerNotSupported(f"the installed fastmcp package is {found}; the gate needs {FASTMCP_SERIES}x")
    return True
