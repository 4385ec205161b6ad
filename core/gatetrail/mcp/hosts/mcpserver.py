"""`MCPServer` of the official SDK."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, assert_never

from mcp.server.lowlevel import Server
from mcp.server.mcpserver import MCPServer
from mcp.server.mcpserver.resources.templates import ResourceSecurityError
from mcp.server.mcpserver.tools import Tool

from gatetrail.call import Kind
from gatetrail.mcp.calls import Context
from gatetrail.mcp.hosts.host import Gate


class MCPServerHost:
    """Looks into the server's own registries and guards each tool where it starts to run."""

    def __init__(self, server: MCPServer[Any]) -> None:
        self._server = server
        # The registries have no public form in 2.3; `hosts.find` pins that version.
        self._tools: Any = getattr(server, "_tool_manager")  # noqa: B009
        self._resources: Any = getattr(server, "_resource_manager")  # noqa: B009
        self._prompts: Any = getattr(server, "_prompt_manager")  # noqa: B009
        self._get_tool = self._tools.get_tool
        self.low: Server[Any] = getattr(server, "_lowlevel_server")  # noqa: B009
        self.app_factories: Sequence[tuple[object, str]] = (
            (self.low, "streamable_http_app"),
            (server, "sse_app"),
        )

    async def resolve(self, kind: Kind, name: str, context: Context) -> str | None:
        return name if self._has(kind, name, context.method) else None

    async def level(self, kind: Kind, context: Context) -> None:
        """Nothing: all look-ups cost the same."""

    def learn(self, kind: Kind, names: Sequence[str]) -> None:
        """Nothing: the registries are asked each time."""

    def guard(self, gate: Gate) -> None:
        self._guard_tools(gate)
        self._guard_resources(gate)
        self._guard_prompts(gate)

    def _has(self, kind: Kind, name: str, method: str) -> bool:
        match kind:
            case Kind.TOOL:
                return self._get_tool(name) is not None
            case Kind.PROMPT:
                return self._prompts.get_prompt(name) is not None
            case Kind.RESOURCE:
                return self._has_resource(name, method)
            case Kind.LISTING | Kind.METHOD:
                return True
            case _:
                assert_never(kind)

    def _has_resource(self, uri: str, method: str) -> bool:
        if uri in self._resources._resources:  # noqa: SLF001 -- as above
            return True
        if method == "completion/complete":
            return uri in self._resources._templates  # noqa: SLF001
        return any(_matches(template, uri) for template in self._resources.list_templates())

    def _guard_tools(self, gate: Gate) -> None:
        get_tool, list_tools = self._tools.get_tool, self._tools.list_tools
        guarded: dict[str, tuple[Tool, Tool]] = {}

        def guard(tool: Tool) -> Tool:
            pair = guarded.get(tool.name)
            if pair is None or pair[0] is not tool:
                pair = guarded[tool.name] = (tool, _guarded(tool, gate))
            return pair[1]

        def guarded_tool(name: str) -> Tool | None:
            tool = get_tool(name)
            return None if tool is None else guard(tool)

        self._tools.get_tool = guarded_tool
        self._tools.list_tools = lambda: [guard(tool) for tool in list_tools()]

    def _guard_resources(self, gate: Gate) -> None:
        read = self._server.read_resource

        async def read_resource(uri: Any, context: Any = None) -> Any:
            if gate.take(Kind.RESOURCE, str(uri)):
                return await read(uri, context)
            return await gate.run(Kind.RESOURCE, str(uri), {}, lambda: read(uri, context))

        vars(self._server)["read_resource"] = read_resource

    def _guard_prompts(self, gate: Gate) -> None:
        get = self._server.get_prompt

        async def get_prompt(name: str, arguments: dict[str, Any] | None = None, context: Any = None) -> Any:
            if gate.take(Kind.PROMPT, name):
                return await get(name, arguments, context)
            return await gate.run(Kind.PROMPT, name, arguments or {}, lambda: get(name, arguments, context))

        vars(self._server)["get_prompt"] = get_prompt


def _guarded(tool: Tool, gate: Gate) -> Tool:
    """A copy whose `run` asks the gate; the tool itself may serve in another server too."""
    run = tool.run

    async def guarded_run(arguments: dict[str, Any], context: Any, convert_result: bool = False) -> Any:  # noqa: FBT001, FBT002
        async def body() -> Any:
            return await run(arguments, context, convert_result=convert_result)

        if gate.take(Kind.TOOL, tool.name):
            return await body()
        return await gate.run(Kind.TOOL, tool.name, arguments, body)

    copy = tool.model_copy()
    vars(copy)["run"] = guarded_run
    return copy


def _matches(template: Any, uri: str) -> bool:
    try:
        return template.matches(uri) is not None
    except ResourceSecurityError:
        return False
