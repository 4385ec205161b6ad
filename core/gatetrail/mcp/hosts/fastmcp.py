"""`FastMCP` of the fastmcp package, which is never imported here: whoever has such a server has imported it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, assert_never, cast

from mcp.server.lowlevel import Server

from gatetrail.call import Kind
from gatetrail.mcp.calls import Context
from gatetrail.mcp.hosts.host import Body, Gate

APP_SCHEME = "ui://"
"""Resources of this scheme are made up by the package when they are read and stand in no registry."""


MISSING = "gatetrail:missing"
"""A name that no server has."""


class FastMCPHost:
    """Asks the server's own look-ups, which apply its providers, transforms and visibility."""

    def __init__(self, server: Any) -> None:
        self._server = server
        self._get_tool = server.get_tool
        self._get_tool_by_hash = server.get_tool_by_hash
        self._existing: dict[Kind, str] = {}
        self.low: Server[Any] = getattr(server, "_mcp_server")  # noqa: B009 -- no public form in 4.1
        self.app_factories: Sequence[tuple[object, str]] = ((server, "http_app"),)

    async def resolve(self, kind: Kind, name: str, context: Context) -> str | None:
        """A name that is found takes longer than one that is not, so each is followed by one of the other kind."""
        found = await self._look_up(kind, name, context)
        if found is not None:
            self._existing[kind] = name
        elif (existing := self._existing.get(kind)) is not None:
            await self._look_up(kind, existing, context)
        return found

    async def level(self, kind: Kind, context: Context) -> None:
        await self._look_up(kind, MISSING, context)

    async def _look_up(self, kind: Kind, name: str, context: Context) -> str | None:
        match kind:
            case Kind.TOOL:
                return await self._tool_name(name)
            case Kind.PROMPT:
                return name if await self._server.get_prompt(name) is not None else None
            case Kind.RESOURCE:
                return name if await self._has_resource(name, context.method) else None
            case Kind.LISTING | Kind.METHOD:
                return name
            case _:
                assert_never(kind)

    def learn(self, kind: Kind, names: Sequence[str]) -> None:
        """Nothing: the server is asked each time."""

    def guard(self, gate: Gate) -> None:
        self._guard_tool_objects(gate)
        self._guard_core(gate, "call_tool", Kind.TOOL)
        self._guard_core(gate, "read_resource", Kind.RESOURCE)
        self._guard_core(gate, "render_prompt", Kind.PROMPT)

    async def _tool_name(self, name: str) -> str | None:
        tool = await self._get_tool(name)
        if tool is None:
            # `<hash>_<name>` is a second address of a tool; the policy knows the tool itself.
            digest, _, own_name = name.partition("_")
            tool = await self._get_tool_by_hash(digest, own_name) if own_name else None
        return None if tool is None else str(tool.name)

    async def _has_resource(self, uri: str, method: str) -> bool:
        if uri.startswith(APP_SCHEME) or await self._server.get_resource(uri) is not None:
            return True
        if method == "completion/complete":
            templates = await self._server.list_resource_templates(run_middleware=False)
            return any(uri == template.uri_template for template in templates)
        return await self._server.get_resource_template(uri) is not None

    def _guard_core(self, gate: Gate, method: str, kind: Kind) -> None:
        """Guard the innermost of the nested calls of one public method: below the package's own middleware."""
        original = getattr(self._server, method)
        runs_tools = kind is Kind.TOOL

        async def guarded(name: Any, *args: Any, run_middleware: bool = True, **kwargs: Any) -> Any:
            asked = str(name)

            async def body() -> Any:
                return await original(name, *args, run_middleware=run_middleware, **kwargs)

            if run_middleware:
                return await body()
            if runs_tools:
                return await self._start_tool(gate, asked, _arguments(args, kwargs), body)
            if gate.take(kind, asked):
                return await body()
            return await gate.run(kind, asked, _arguments(args, kwargs), body)

        setattr(self._server, method, guarded)

    async def _start_tool(self, gate: Gate, asked: str, arguments: Mapping[str, Any], body: Body) -> Any:
        if gate.open_for(Kind.TOOL, asked):
            return await body()
        name = await self._tool_name(asked) or asked
        if gate.open_for(Kind.TOOL, name):
            return await body()
        return await gate.admit(Kind.TOOL, name, arguments, body)

    def _guard_tool_objects(self, gate: Gate) -> None:
        """Tools that the server hands out ask the gate themselves, so `get_tool(...)` and `run` is no way around."""
        get_tool, by_hash, list_tools = self._get_tool, self._get_tool_by_hash, self._server.list_tools

        async def guarded_tool(*args: Any, **kwargs: Any) -> Any:
            return _guarded(await get_tool(*args, **kwargs), gate)

        async def guarded_by_hash(*args: Any, **kwargs: Any) -> Any:
            return _guarded(await by_hash(*args, **kwargs), gate)

        async def guarded_list(*args: Any, **kwargs: Any) -> list[Any]:
            return [_guarded(tool, gate) for tool in await list_tools(*args, **kwargs)]

        self._server.get_tool = guarded_tool
        self._server.get_tool_by_hash = guarded_by_hash
        self._server.list_tools = guarded_list


def _arguments(args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> Mapping[str, Any]:
    given: Any = args[0] if args else kwargs.get("arguments")
    return cast("Mapping[str, Any]", given) if isinstance(given, Mapping) else {}


_MARK = "_gatetrail_guarded"


def _guarded(tool: Any, gate: Gate) -> Any:
    """A copy whose ways to run ask the gate; the original may be served elsewhere too."""
    if tool is None or getattr(tool, _MARK, None) is gate:
        return tool
    copy = tool.model_copy()
    for method in ("run", "_run"):
        vars(copy)[method] = _asking(getattr(tool, method), str(tool.name), gate)
    vars(copy)[_MARK] = gate
    return copy


def _asking(run: Any, name: str, gate: Gate) -> Any:
    async def guarded_run(arguments: Mapping[str, Any], *args: Any, **kwargs: Any) -> Any:
        if gate.take(Kind.TOOL, name):
            return await run(arguments, *args, **kwargs)
        return await gate.run(Kind.TOOL, name, arguments, lambda: run(arguments, *args, **kwargs))

    return guarded_run
