"""The same sample server three times: MCPServer, low-level Server, FastMCP."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import anyio
from fastmcp import FastMCP
from fastmcp.tools import ToolResult
from mcp.server.lowlevel import Server
from mcp.server.mcpserver import MCPServer
from mcp.shared.exceptions import MCPError
from mcp_types import (
    CallToolRequestParams,
    CallToolResult,
    GetPromptRequestParams,
    GetPromptResult,
    ListPromptsResult,
    ListResourcesResult,
    ListToolsResult,
    PaginatedRequestParams,
    Prompt,
    PromptMessage,
    ReadResourceRequestParams,
    ReadResourceResult,
    RequestParams,
    Resource,
    TextContent,
    TextResourceContents,
    Tool,
)
from pydantic import Field
from starlette.applications import Starlette

OVERRUN_S = 0.08
"""How long the blocking tool blocks; its limit in the policy is a fraction of it."""

NAME = "finance"
TOOLS = ("get_invoice", "pay", "stuck", "waits", "blocks", "crashes", "complains")
RESOURCES = ("invoice://open/1", "invoice://secret/1")
PROMPTS = ("summary", "board_report")


@dataclass
class Sample:
    """A server and the record of what really ran in it."""

    kind: str
    server: Any
    ran: list[str] = field(default_factory=list[str])
    started: anyio.Event = field(default_factory=anyio.Event)

    def app(self, *, json_response: bool = True) -> Starlette:
        """The application that the server makes by itself."""
        if self.kind == "fastmcp":
            made: Starlette = self.server.http_app(path="/mcp", json_response=json_response)
        else:
            made = self.server.streamable_http_app(json_response=json_response)
        return made

    @property
    def low(self) -> Server[Any]:
        """The low-level server in it."""
        found: Server[Any] = self.server
        if self.kind == "mcpserver":
            found = self.server._lowlevel_server
        if self.kind == "fastmcp":
            found = self.server._mcp_server
        return found

    async def do(self, name: str, arguments: dict[str, Any]) -> str:
        """What the tools do."""
        self.ran.append(name)
        self.started.set()
        if name in {"stuck", "waits"}:
            await anyio.sleep_forever()
        if name == "blocks":
            time.sleep(OVERRUN_S)  # noqa: ASYNC251 -- a handler that blocks is what is tested
        if name == "crashes":
            raise RuntimeError("a secret detail")
        return f"{name} {arguments}"


def build(kind: str) -> Sample:
    """A fresh sample of one kind."""
    return BUILDERS[kind]()


def _mcpserver() -> Sample:
    server = MCPServer("sample", version="1.0")
    sample = Sample("mcpserver", server)
    _add_tools(sample, server.add_tool)

    @server.tool()
    async def complains() -> CallToolResult:
        sample.ran.append("complains")
        return CallToolResult(content=[TextContent(text="no")], is_error=True)

    _add_things(sample, server)
    return sample


def _fastmcp() -> Sample:
    server = FastMCP("sample", version="1.0")
    sample = Sample("fastmcp", server)
    _add_tools(sample, server.tool)

    @server.tool
    async def complains() -> ToolResult:
        sample.ran.append("complains")
        return ToolResult(content=[TextContent(text="no")], is_error=True)

    _add_things(sample, server)
    return sample


def _add_tools(sample: Sample, add: Callable[..., Any]) -> None:  # noqa: C901 -- one function for each tool
    async def get_invoice(number: int, region: str = Field("", json_schema_extra={"x-mcp-header": "Region"})) -> str:
        return await sample.do("get_invoice", {"number": number} | ({"region": region} if region else {}))

    async def pay(amount: int = 0, currency: str = Field("", json_schema_extra={"x-mcp-header": "Currency"})) -> str:
        return await sample.do("pay", {"amount": amount} | ({"currency": currency} if currency else {}))

    async def stuck() -> str:
        return await sample.do("stuck", {})

    async def waits() -> str:
        return await sample.do("waits", {})

    def blocks() -> str:
        sample.ran.append("blocks")
        time.sleep(OVERRUN_S)
        return "too late"

    async def crashes() -> str:
        return await sample.do("crashes", {})

    async def calls(name: str) -> str:
        await sample.server.call_tool(name, {})
        return await sample.do("calls", {})

    for tool in (get_invoice, pay, stuck, waits, blocks, crashes, calls):
        add(tool)


def _add_things(sample: Sample, server: Any) -> None:
    async def read(number: str, section: str) -> str:
        return await sample.do(f"read {section}", {"number": number})

    async def summary() -> str:
        return await sample.do("summary", {})

    async def board_report() -> str:
        return await sample.do("board_report", {})

    async def opened() -> str:
        return await read("1", "open")

    async def secret() -> str:
        return await read("1", "secret")

    server.resource("invoice://open/1")(opened)
    server.resource("invoice://secret/1")(secret)
    server.resource("invoice://{section}/by-number/{number}")(read)
    server.prompt()(summary)
    server.prompt()(board_report)


def _lowlevel() -> Sample:  # noqa: C901 -- one function for each method
    async def list_tools(_context: Any, _params: PaginatedRequestParams | None) -> ListToolsResult:
        return ListToolsResult(tools=[Tool(name=name, input_schema={"type": "object"}) for name in TOOLS])

    async def call_tool(_context: Any, params: CallToolRequestParams) -> CallToolResult:
        if params.name not in TOOLS:
            raise ValueError("nothing of ours")
        text = await sample.do(params.name, params.arguments or {})
        return CallToolResult(content=[TextContent(text=text)], is_error=params.name == "complains")

    async def list_resources(_context: Any, _params: PaginatedRequestParams | None) -> ListResourcesResult:
        return ListResourcesResult(resources=[Resource(uri=uri, name=uri) for uri in RESOURCES])

    async def read_resource(_context: Any, params: ReadResourceRequestParams) -> ReadResourceResult:
        if params.uri not in RESOURCES:
            raise MCPError(-32002, "Resource not found")
        section = params.uri.split("/")[2]
        text = await sample.do(f"read {section}", {})
        return ReadResourceResult(contents=[TextResourceContents(uri=params.uri, text=text)])

    async def list_prompts(_context: Any, _params: PaginatedRequestParams | None) -> ListPromptsResult:
        return ListPromptsResult(prompts=[Prompt(name=name) for name in PROMPTS])

    async def get_prompt(_context: Any, params: GetPromptRequestParams) -> GetPromptResult:
        text = await sample.do(params.name, {})
        return GetPromptResult(messages=[PromptMessage(role="user", content=TextContent(text=text))])

    server: Server[Any] = Server(
        "sample",
        version="1.0",
        on_list_tools=list_tools,
        on_call_tool=call_tool,
        on_list_resources=list_resources,
        on_read_resource=read_resource,
        on_list_prompts=list_prompts,
        on_get_prompt=get_prompt,
    )
    sample = Sample("lowlevel", server)
    return sample


BUILDERS: dict[str, Callable[[], Sample]] = {"mcpserver": _mcpserver, "lowlevel": _lowlevel, "fastmcp": _fastmcp}
KINDS = tuple(BUILDERS)


def add_custom_method(sample: Sample, method: str) -> None:
    """Register a method of the server's own."""

    async def handle(_context: Any, _params: RequestParams) -> dict[str, Any]:
        sample.ran.append(method)
        return {"done": True}

    sample.low.add_request_handler(method, RequestParams, handle)
