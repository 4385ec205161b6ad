"""A client without comfort: one HTTP request for one message, in either protocol era, answers as bytes."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

import httpx

HANDSHAKE, MODERN = "2025-11-25", "2026-07-28"
ERAS = (HANDSHAKE, MODERN)
NAME_PARAMS = {"tools/call": "name", "prompts/get": "name", "resources/read": "uri"}
CLIENT = {"name": "wire", "version": "1"}


@dataclass(frozen=True, slots=True)
class Answer:
    """One HTTP answer."""

    status: int
    headers: httpx.Headers
    body: bytes

    @property
    def message(self) -> dict[str, Any]:
        """The JSON-RPC message in it, from JSON or from the last event of a stream."""
        text = self.body.decode()
        if self.headers.get("content-type", "").startswith("text/event-stream"):
            data = [line[6:] for line in text.splitlines() if line.startswith("data: {")]
            text = data[-1]
        decoded: dict[str, Any] = json.loads(text)
        return decoded

    @property
    def error(self) -> dict[str, Any]:
        error: dict[str, Any] = self.message["error"]
        return error

    @property
    def result(self) -> dict[str, Any]:
        result: dict[str, Any] = self.message["result"]
        return result

    def comparable(self) -> tuple[int, list[tuple[str, str]], bytes]:
        """All that a client could tell two answers apart by, save the clock of the HTTP server."""
        kept = [(name, value) for name, value in self.headers.multi_items() if name not in {"date", "mcp-session-id"}]
        return self.status, kept, self.body


@dataclass
class Wire:
    """One client. In the handshake era it opens a session with `open`, with its token of that moment."""

    http: httpx.AsyncClient
    url: str
    era: str
    token: str | None = None
    session_id: str | None = None
    headers: dict[str, str] = field(default_factory=dict[str, str])
    request_id: int = 7

    async def open(self) -> Answer | None:
        """Shake hands, where the era has it."""
        if self.era == MODERN:
            return None
        params = {"protocolVersion": HANDSHAKE, "capabilities": {}, "clientInfo": CLIENT}
        answer = await self.post({"jsonrpc": "2.0", "id": 0, "method": "initialize", "params": params})
        self.session_id = answer.headers.get("mcp-session-id")
        if answer.status == 200 and self.session_id:
            await self.post({"jsonrpc": "2.0", "method": "notifications/initialized"})
        return answer

    async def call(self, name: str, arguments: dict[str, Any] | None = None, **headers: str) -> Answer:
        """Call a tool."""
        return await self.ask("tools/call", {"name": name, "arguments": arguments or {}}, **headers)

    async def ask(self, method: str, params: dict[str, Any] | None = None, **headers: str) -> Answer:
        """Send one request; underscores in the names of headers stand for dashes."""
        params = dict(params or {})
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        if self.era == MODERN:
            params["_meta"] = {
                "io.modelcontextprotocol/protocolVersion": MODERN,
                "io.modelcontextprotocol/clientInfo": CLIENT,
                "io.modelcontextprotocol/clientCapabilities": {},
                **params.get("_meta", {}),
            }
            named["mcp-method"] = method
            if method in NAME_PARAMS:
                named["mcp-name"] = params[NAME_PARAMS[method]]
        message = {"jsonrpc": "2.0", "id": self.request_id, "method": method, "params": params}
        return await self.post(message, named)

    async def post(self, message: dict[str, Any], more: dict[str, str] | None = None) -> Answer:
        """Send one message as it is."""
        headers = {"accept": "application/json, text/event-stream", **self.headers, **(more or {})}
        if self.token is not None:
            headers["authorization"] = f"Bearer {self.token}"
        if self.session_id is not None:
            headers["mcp-session-id"] = self.session_id
        if self.era == MODERN or message["method"] != "initialize":
            headers["mcp-protocol-version"] = self.era
        response = await self.http.post(self.url, json=message, headers=headers)
        return Answer(response.status_code, response.headers, response.content)
