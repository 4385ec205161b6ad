"""Tells the clients of one server that its lists may look different to them now.

Clients of the handshake era hear it on the standing stream of their session, or on the pipe; those of 2026-07-28 on the
streams that they have opened for it (`subscriptions/listen`).
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Any
from weakref import WeakSet

import anyio
from mcp.server.connection import Connection
from mcp.server.context import ServerRequestContext
from mcp.server.lowlevel import NotificationOptions, Server
from mcp.server.subscriptions import (
    InMemorySubscriptionBus,
    ListenHandler,
    PromptsListChanged,
    ResourcesListChanged,
    ServerEvent,
    SubscriptionBus,
    ToolsListChanged,
)
from mcp_types import (
    ResourcesCapability,
    ServerCapabilities,
    SubscriptionsListenRequestParams,
    SubscriptionsListenResult,
)
from mcp_types.version import MODERN_PROTOCOL_VERSIONS

from gatetrail.call import Kind
from gatetrail.mcp.calls import Context

LISTEN = "subscriptions/listen"
MAX_LISTENERS = 10_000
WITHIN_S = 5.0
"""A client that takes nothing for so long is not told."""

WORDS: dict[Kind, tuple[str, str, ServerEvent]] = {
    Kind.TOOL: ("tools/list", "notifications/tools/list_changed", ToolsListChanged()),
    Kind.PROMPT: ("prompts/list", "notifications/prompts/list_changed", PromptsListChanged()),
    Kind.RESOURCE: ("resources/list", "notifications/resources/list_changed", ResourcesListChanged()),
}
"""The list, and how its change is told in either era."""


class Announcer:
    """Knows who is connected to a server. One for each server that has the gate."""

    def __init__(self, low: Server[Any]) -> None:
        """Announces in the server's name that it tells of changed lists, which from now on it does."""
        self._low = low
        self._connections: WeakSet[Connection] = WeakSet()
        self._bus: SubscriptionBus | None = None
        entry = low.get_request_handler(LISTEN)
        self._is_ours = entry is None
        if entry is None:
            self._bus = InMemorySubscriptionBus()
            lists_only = ListsOnly(self._bus, max_subscriptions=MAX_LISTENERS)
            low.add_request_handler(LISTEN, SubscriptionsListenRequestParams, lists_only)
        elif isinstance(entry.handler, ListenHandler):
            self._bus = getattr(entry.handler, "_bus")  # noqa: B009 -- no public form in 2.3, which `hosts.find` pins
        vars(low)["get_capabilities"] = _telling(low, listens_to_lists_only=self._is_ours)

    def note(self, context: Context) -> None:
        """Whoever sends a message is there, and may be told of changes."""
        connection: Connection = getattr(context.session, "_connection")  # noqa: B009 -- as above
        self.took_up(connection)

    def took_up(self, connection: Connection) -> None:
        """Whoever goes on with a session may be told before he has said anything here."""
        if connection.has_standalone_channel:
            self._connections.add(connection)

    async def announce(self, kinds: Collection[Kind]) -> None:
        """Tell everybody who is connected, each in time of his own. Never raises."""
        words = [WORDS[kind] for kind in WORDS if kind in kinds and self._low.get_request_handler(WORDS[kind][0])]
        for _method, _notification, event in words:
            if self._bus is not None:
                await self._bus.publish(event)
        async with anyio.create_task_group() as telling:
            for connection in [*self._connections]:
                if connection.initialized.is_set():
                    telling.start_soon(_tell, connection, [notification for _method, notification, _event in words])


class ListsOnly(ListenHandler):
    """For a server that has no such streams of its own: nothing else is told on these than changed lists."""

    async def __call__(
        self, ctx: ServerRequestContext[Any, Any], params: SubscriptionsListenRequestParams
    ) -> SubscriptionsListenResult:
        lists = params.notifications.model_copy(update={"resource_subscriptions": None})
        return await super().__call__(ctx, params.model_copy(update={"notifications": lists}))


async def _tell(connection: Connection, notifications: Collection[str]) -> None:
    with anyio.move_on_after(WITHIN_S):
        for notification in notifications:
            await connection.notify(notification, None)


def _telling(low: Server[Any], *, listens_to_lists_only: bool) -> Any:
    """The server's own capabilities, with the word that changed lists are told."""
    original = low.get_capabilities

    def get_capabilities(
        notification_options: NotificationOptions | None = None, *args: Any, **kwargs: Any
    ) -> ServerCapabilities:
        told = original(notification_options, *args, **kwargs)
        lists = {name: part for name in ("tools", "prompts", "resources") if (part := getattr(told, name)) is not None}
        changed = {name: part.model_copy(update={"list_changed": True}) for name, part in lists.items()}
        resources = changed.get("resources")
        modern = kwargs.get("protocol_version") in MODERN_PROTOCOL_VERSIONS
        if isinstance(resources, ResourcesCapability) and listens_to_lists_only and modern:
            changed["resources"] = resources.model_copy(update={"subscribe": False})
        return told.model_copy(update=changed)

    return get_capabilities
