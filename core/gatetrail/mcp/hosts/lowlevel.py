"""The low-level `Server` of the official SDK: it has handlers and no registry, so its lists are its registry."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, Protocol, cast, runtime_checkable

from mcp.server.lowlevel import Server
from mcp_types import PaginatedRequestParams
from pydantic import BaseModel

from gatetrail.call import Kind
from gatetrail.mcp.calls import Context
from gatetrail.mcp.hosts.host import Gate
from gatetrail.mcp.listings import LISTINGS, items_of, next_cursor_of

log = logging.getLogger("gatetrail.mcp")

MAX_PAGES = 100
MAX_NAMES = 100_000

_LIST_METHODS = {Kind.TOOL: "tools/list", Kind.PROMPT: "prompts/list"}


@runtime_checkable
class KnowsNames(Protocol):
    """A server that can say what it has without running its list."""

    async def knows_name(self, kind: Kind, name: str) -> bool | None:
        """Whether there is such a tool or prompt; None when that cannot be told now."""
        ...

    async def reachable(self) -> None:
        """Raises the `MCPError` that any call gets now, where no call can be carried out."""
        ...


class LowLevelHost:
    """Knows tools and prompts by what the server's own list handlers say. Resources need not be listed to exist."""

    def __init__(self, server: Server[Any]) -> None:
        self.low: Server[Any] = server
        self.app_factories: Sequence[tuple[object, str]] = ((server, "streamable_http_app"),)
        self._entry_of = server.get_request_handler
        self._names: dict[Kind, set[str]] = {}

    async def resolve(self, kind: Kind, name: str, context: Context) -> str | None:
        method = _LIST_METHODS.get(kind)
        if method is None or name in self._names.get(kind, ()) or self._entry_of(method) is None:
            return name
        complete = await self._ask(kind, context)
        return name if not complete or name in self._names.get(kind, ()) else None

    async def level(self, kind: Kind, context: Context) -> None:
        if kind in _LIST_METHODS:
            await self._ask(kind, context)

    def learn(self, kind: Kind, names: Sequence[str]) -> None:
        known = self._names.setdefault(kind, set())
        if len(known) > MAX_NAMES:
            known.clear()
        known.update(names)

    def guard(self, gate: Gate) -> None:
        """Nothing: the only way to its functions is the handlers, which have the gate in them."""

    async def _ask(self, kind: Kind, context: Context) -> bool:
        """Run the server's own list to its end; False when it cannot be had, so that nothing is known."""
        try:
            await self._ask_all_pages(kind, context)
        except Exception:
            log.exception("the server's own %s failed; its handler decides what exists", _LIST_METHODS[kind])
            return False
        return True

    async def _ask_all_pages(self, kind: Kind, context: Context) -> None:
        listing = LISTINGS[_LIST_METHODS[kind]]
        entry = self._entry_of(listing.method)
        cursor: str | None = None
        for _ in range(MAX_PAGES):
            if entry is None:
                return
            asking = replace(context, method=listing.method, params=None if cursor is None else {"cursor": cursor})
            result = await entry.handler(asking, PaginatedRequestParams(cursor=cursor))
            page = cast("BaseModel | Mapping[str, Any]", result)
            self.learn(kind, [listing.name_of(item) for item in items_of(listing, page)])
            cursor = next_cursor_of(page)
            if cursor is None:
                return


class SelfKnowingHost(LowLevelHost):
    """Asks the server itself, whose list may be far away."""

    def __init__(self, server: Server[Any], names: KnowsNames) -> None:
        super().__init__(server)
        self._server_names = names

    async def resolve(self, kind: Kind, name: str, context: Context) -> str | None:  # noqa: ARG002
        return None if await self._server_names.knows_name(kind, name) is False else name

    async def level(self, kind: Kind, context: Context) -> None:  # noqa: ARG002
        # A name that nothing has makes the server look as long as it looks for one that does not exist.
        # Where nobody knows what exists, a name that does not is told as every other: by the server's absence.
        if await self._server_names.knows_name(kind, "") is None:
            await self._server_names.reachable()

    def learn(self, kind: Kind, names: Sequence[str]) -> None:
        """Nothing: the server knows."""
