"""The server that stands for an upstream: everything that it is asked is passed on."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncGenerator, Awaitable, Callable, Generator, Mapping
from contextlib import asynccontextmanager, contextmanager
from typing import Any, cast
from weakref import WeakSet

import anyio
import mcp_types as types
from mcp.server.connection import Connection
from mcp.server.context import CallNext, HandlerResult, ServerRequestContext
from mcp.server.lowlevel import NotificationOptions, Server
from mcp.server.subscriptions import InMemorySubscriptionBus, ListenHandler
from mcp.shared.dispatcher import ProgressFnT
from mcp.shared.exceptions import MCPError
from mcp.shared.subscriptions import PromptsListChanged, ResourcesListChanged, ServerEvent, ToolsListChanged

from gatetrail.call import Kind
from gatetrail.upstreams.link import Introduction
from gatetrail.upstreams.meta import passed_on
from gatetrail.upstreams.upstream import Upstream
from gatetrail.upstreams.watch import ListChange

log = logging.getLogger("gatetrail.upstreams")

TELL_S = 5.0
"""A client that does not take the word of a changed list within this goes without it."""

Context = ServerRequestContext[Any, Any]
Paginated = types.PaginatedRequestParams | None


class MountedServer(Server[Any]):
    """A low-level server without anything of its own; while its lifespan is open, its upstream is kept up.

    It announces what the upstream announced, less what is not passed on: subscriptions to single resources, log
    levels, tasks, extensions. Requests of the upstream to a client (sampling, elicitation, roots) are refused.
    """

    def __init__(self, upstream: Upstream) -> None:
        self.upstream = upstream
        self._bus = InMemorySubscriptionBus()
        self._connections: WeakSet[Connection] = WeakSet()
        super().__init__(
            upstream.name,
            lifespan=_lifespan,
            get_tool_input_schema=upstream.schema_of,
            on_list_tools=self._list_tools,
            on_call_tool=self._call_tool,
            on_list_resources=self._list_resources,
            on_list_resource_templates=self._list_resource_templates,
            on_read_resource=self._read_resource,
            on_list_prompts=self._list_prompts,
            on_get_prompt=self._get_prompt,
            on_completion=self._complete,
            on_subscriptions_listen=ListenHandler(self._bus),
        )
        self.add_request_handler("server/discover", types.RequestParams, self._discover)
        self.add_notification_handler("notifications/initialized", types.NotificationParams, self._initialized)
        self.middleware.append(self._initialize)
        upstream.keeper.on_introduction = self._adopt
        upstream.keeper.on_list_change = self._tell

    async def knows_name(self, kind: Kind, name: str) -> bool | None:
        """Whether the upstream has such a thing; None when that cannot be told now. For the gate."""
        return await self.upstream.knows(kind, name)

    async def reachable(self) -> None:
        """Raises what a call gets while the upstream is away; waits for a start that is under way. For the gate."""
        await self.upstream.keeper.ready()

    # --- what it says of itself ---

    def get_capabilities(
        self,
        notification_options: NotificationOptions | None = None,  # noqa: ARG002 -- the upstream's own count
        experimental_capabilities: dict[str, dict[str, Any]] | None = None,  # noqa: ARG002
        extensions: dict[str, dict[str, Any]] | None = None,  # noqa: ARG002
        *,
        protocol_version: str | None = None,  # noqa: ARG002
    ) -> types.ServerCapabilities:
        """What the upstream has and we pass on; nothing before it has ever been up."""
        introduction = self.upstream.keeper.introduction
        return types.ServerCapabilities() if introduction is None else _passed_on(introduction.capabilities)

    @property
    def server_info_stamp(self) -> dict[str, Any]:
        """As it is now: the base class keeps the first one for good."""
        return self.server_info.model_dump(by_alias=True, mode="json", exclude_none=True)

    def _adopt(self, introduction: Introduction) -> None:
        self.name = introduction.name or self.upstream.name
        self.version = introduction.version
        self.title = introduction.title
        self.description = introduction.description
        self.website_url = introduction.website_url
        self.icons = introduction.icons
        self.instructions = introduction.instructions

    async def _initialize(self, ctx: Context, call_next: CallNext) -> HandlerResult:
        """A client that shakes hands hears what the upstream has, so that must be known."""
        if ctx.method == "initialize":
            await self.upstream.introduced()
        return await call_next(ctx)

    async def _discover(self, context: Context, params: types.RequestParams) -> types.DiscoverResult:
        await self.upstream.introduced()
        return await self._handle_discover(context, params)

    # --- what is passed on ---

    async def _list_tools(self, context: Context, params: Paginated) -> types.ListToolsResult:
        self._needs(context, "tools")
        return await self.upstream.ask(types.ListToolsRequest(params=_paginated(params)), types.ListToolsResult)

    async def _call_tool(self, context: Context, params: types.CallToolRequestParams) -> types.CallToolResult:
        self._needs(context, "tools")
        # A task would go on after its call has ended in the record.
        request = types.CallToolRequest(params=passed_on(params).model_copy(update={"task": None}))
        return await self.upstream.ask(request, types.CallToolResult, _progress(context))

    async def _list_resources(self, context: Context, params: Paginated) -> types.ListResourcesResult:
        self._needs(context, "resources")
        request = types.ListResourcesRequest(params=_paginated(params))
        return await self.upstream.ask(request, types.ListResourcesResult)

    async def _list_resource_templates(self, context: Context, params: Paginated) -> types.ListResourceTemplatesResult:
        self._needs(context, "resources")
        request = types.ListResourceTemplatesRequest(params=_paginated(params))
        return await self.upstream.ask(request, types.ListResourceTemplatesResult)

    async def _read_resource(
        self, context: Context, params: types.ReadResourceRequestParams
    ) -> types.ReadResourceResult:
        self._needs(context, "resources")
        request = types.ReadResourceRequest(params=passed_on(params))
        with _said_of(str(params.uri)):
            return await self.upstream.ask(request, types.ReadResourceResult, _progress(context))

    async def _list_prompts(self, context: Context, params: Paginated) -> types.ListPromptsResult:
        self._needs(context, "prompts")
        request = types.ListPromptsRequest(params=_paginated(params))
        return await self.upstream.ask(request, types.ListPromptsResult)

    async def _get_prompt(self, context: Context, params: types.GetPromptRequestParams) -> types.GetPromptResult:
        self._needs(context, "prompts")
        request = types.GetPromptRequest(params=passed_on(params))
        return await self.upstream.ask(request, types.GetPromptResult, _progress(context))

    async def _complete(self, context: Context, params: types.CompleteRequestParams) -> types.CompleteResult:
        self._needs(context, "completions")
        request = types.CompleteRequest(params=passed_on(params))
        if isinstance(params.ref, types.PromptReference):
            return await self.upstream.ask(request, types.CompleteResult)
        with _said_of(params.ref.uri):
            return await self.upstream.ask(request, types.CompleteResult)

    def _needs(self, context: Context, capability: str) -> None:
        """Answer as a server without this capability does, once it is known that the upstream has it not."""
        introduction = self.upstream.keeper.introduction
        if introduction is not None and getattr(introduction.capabilities, capability) is None:
            raise MCPError(types.METHOD_NOT_FOUND, "Method not found", context.method)

    # --- what the upstream tells of itself ---

    async def _initialized(self, context: Context, _params: types.NotificationParams) -> None:
        # `ServerSession` has no public way to its connection in 2.3.
        connection: object = getattr(context.session, "_connection", None)
        if isinstance(connection, Connection):
            self._connections.add(connection)

    def took_up(self, connection: Connection) -> None:
        """A session of an earlier process goes on here: its client wants to hear of changes as before."""
        self._connections.add(connection)

    async def _tell(self, change: ListChange) -> None:
        """Older clients hear of it in their sessions, newer ones on the streams that they have asked for."""
        event, send = _TOLD_AS[type(change)]
        await self._bus.publish(event)
        await asyncio.gather(*(_told(send, connection) for connection in list(self._connections)))


@contextmanager
def _said_of(uri: str) -> Generator[None]:
    """Have the gate know an error for one that says that there is no such resource: servers have many words for it.

    The parameters were valid before they were sent, so what is wrong with them can only be the URI.
    """
    try:
        yield
    except MCPError as problem:
        if problem.code == types.INVALID_PARAMS:
            raise MCPError(types.INVALID_PARAMS, problem.message, {"uri": uri}) from problem
        raise


async def _told(send: Callable[[Connection], Awaitable[None]], connection: Connection) -> None:
    try:
        with anyio.move_on_after(TELL_S):
            await send(connection)
    except Exception as problem:  # noqa: BLE001 -- one client that cannot be told concerns nobody else
        log.debug("a client was not told of a changed list: %s", type(problem).__name__)


_TOLD_AS: Mapping[type[ListChange], tuple[ServerEvent, Callable[[Connection], Awaitable[None]]]] = {
    types.ToolListChangedNotification: (ToolsListChanged(), Connection.send_tool_list_changed),
    types.PromptListChangedNotification: (PromptsListChanged(), Connection.send_prompt_list_changed),
    types.ResourceListChangedNotification: (ResourcesListChanged(), Connection.send_resource_list_changed),
}


@asynccontextmanager
async def _lifespan(server: Server[Any]) -> AsyncGenerator[dict[str, Any]]:
    async with cast("MountedServer", server).upstream.running():
        yield {}


def _progress(context: Context) -> ProgressFnT | None:
    """Where the upstream's word of its progress goes; None when nobody wants to hear of it."""
    return context.session.report_progress if "progress_token" in (context.meta or {}) else None


def _passed_on(capabilities: types.ServerCapabilities) -> types.ServerCapabilities:
    resources = capabilities.resources
    return types.ServerCapabilities(
        tools=capabilities.tools,
        prompts=capabilities.prompts,
        resources=None if resources is None else types.ResourcesCapability(list_changed=resources.list_changed),
        completions=capabilities.completions,
    )


def _paginated(params: Paginated) -> types.PaginatedRequestParams:
    return types.PaginatedRequestParams() if params is None else passed_on(params)
