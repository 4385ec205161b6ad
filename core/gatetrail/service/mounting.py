"""Hosted MCP servers as HTTP applications, each at a path of its own."""

from __future__ import annotations

import re
from typing import Any, Protocol

from mcp.server.lowlevel import Server
from mcp.server.mcpserver import MCPServer
from starlette.applications import Starlette

from gatetrail.errors import SettingsInvalid
from gatetrail.service.hosts import transport_security
from gatetrail.service.standing_stream import StandingStream

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,127}")


class FastMCPServer(Protocol):
    """A `fastmcp.FastMCP`, as far as a type can tell without its package."""

    def http_app(self, *args: Any, **kwargs: Any) -> Any: ...

    async def call_tool(self, *args: Any, **kwargs: Any) -> Any: ...


HostedServer = MCPServer[Any] | Server[Any] | FastMCPServer


def path_of(name: str) -> str:
    """`/mcp/NAME`. Raises `SettingsInvalid` for a name that is no path segment."""
    if not _NAME.fullmatch(name):
        raise SettingsInvalid(
            f"servers: {name!r} cannot stand in a path; expected letters, digits, dot, dash, underscore"
        )
    return f"/mcp/{name}"


def http_app_of(server: HostedServer, path: str, allowed_hosts: tuple[str, ...]) -> Starlette:
    """The server's streamable HTTP application, with sessions and JSON answers. Its lifespan is the caller's to run.

    JSON answers, because a call in flight then survives the end of the service (a stream would be cut).
    """
    app: Starlette
    if isinstance(server, MCPServer | Server):
        security = transport_security(allowed_hosts)
        app = server.streamable_http_app(streamable_http_path=path, json_response=True, transport_security=security)
    else:
        app = server.http_app(
            path=path, json_response=True, host_origin_protection=True, allowed_hosts=list(allowed_hosts)
        )
    app.add_middleware(StandingStream)
    return app
