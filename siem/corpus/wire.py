"""The high door: HTTP requests to the whole application, from whatever address the script says."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import httpx
from mcp.shared.inbound import encode_header_value
from starlette.types import ASGIApp

from siem.corpus.people import Who

ERA = "2026-07-28"
PORT = 52_044
"""Of the callers; nobody records it."""


class Wire:
    """Asks an ASGI application as its own HTTP server would."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def tool(self, server: str, tool: str, arguments: Mapping[str, Any], who: Who, token: str | None) -> None:
        """Call a tool over MCP."""
        await self.mcp(server, "tools/call", {"name": tool, "arguments": dict(arguments)}, who, token)

    async def mcp(
        self, server: str, method: str, params: Mapping[str, Any], who: Who, token: str | None, **headers: str
    ) -> None:
        """Any request of MCP, of the era without sessions."""
        meta = {
            "io.modelcontextprotocol/protocolVersion": ERA,
            "io.modelcontextprotocol/clientInfo": {"name": who.client or "nobody", "version": "1"},
            "io.modelcontextprotocol/clientCapabilities": {},
        }
        named = {"mcp-name": encode_header_value(str(params["name"]))} if "name" in params else {}
        message = {"jsonrpc": "2.0", "id": 7, "method": method, "params": {**params, "_meta": meta}}
        sent = {"mcp-method": method, "mcp-protocol-version": ERA, **named, **headers}
        await self.post(f"/mcp/{server}", message, who, token, **sent)

    async def post(self, path: str, body: object, who: Who, token: str | None, **headers: str) -> httpx.Response:
        """A JSON body to any path."""
        accepted = {"accept": "application/json, text/event-stream"}
        return await self._ask("POST", path, who, token, {**accepted, **headers}, body)

    async def get(self, path: str, who: Who, token: str | None = None) -> httpx.Response:
        """Any path, as a browser or a probe asks for it."""
        return await self._ask("GET", path, who, token, {}, None)

    async def _ask(
        self, method: str, path: str, who: Who, token: str | None, headers: Mapping[str, str], body: object
    ) -> httpx.Response:
        proof = {} if token is None else {"authorization": f"Bearer {token}"}
        transport = httpx.ASGITransport(self._app, client=(who.ip, PORT))
        async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as http:
            sent = {"user-agent": who.agent, **proof, **headers}
            return await http.request(method, path, headers=sent, json=body)
