"""What an upstream has: asked for once and kept, so that a decision does not wait for it."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import anyio
from mcp.client import ClientSession
from mcp_types import ListPromptsResult, ListToolsResult, PaginatedRequestParams, ServerCapabilities

from gatetrail.call import Kind
from gatetrail.clock import Clock

log = logging.getLogger("gatetrail.upstreams")

MAX_PAGES = 100
FRESH_S = 1.0
"""A list of an upstream that does not tell of changes is not asked for more often than this."""
LOOK_S = 2.0
"""A name that is not in the list waits this long for a new list at most."""

Ask = Callable[[ClientSession, PaginatedRequestParams], Awaitable[ListToolsResult | ListPromptsResult]]


async def _tools(session: ClientSession, params: PaginatedRequestParams) -> ListToolsResult:
    return await session.list_tools(params=params)


async def _prompts(session: ClientSession, params: PaginatedRequestParams) -> ListPromptsResult:
    return await session.list_prompts(params=params)


class Names:
    """The tools, or the prompts, of one upstream by name."""

    def __init__(self, ask: Ask, clock: Clock) -> None:
        self._ask = ask
        self._clock = clock
        self._lock = asyncio.Lock()
        self._asked_s: float | None = None
        self.items: Mapping[str, Any] | None = None
        """None: never heard of."""

    async def refresh(self, session: ClientSession) -> None:
        """Ask for all pages. Raises what the session raises, and then keeps what was known."""
        found: dict[str, Any] = {}
        cursor: str | None = None
        for _ in range(MAX_PAGES):
            page = await self._ask(session, PaginatedRequestParams(cursor=cursor))
            items = page.tools if isinstance(page, ListToolsResult) else page.prompts
            found.update((item.name, item) for item in items)
            cursor = page.next_cursor
            if cursor is None:
                break
        self.items = found

    async def look_again(self, session: ClientSession) -> None:
        """Ask anew, unless somebody has just done so."""
        async with self._lock:
            now_s = self._clock.monotonic_s()
            if self._asked_s is None or now_s - self._asked_s >= FRESH_S:
                self._asked_s = now_s
                await self.refresh(session)


class Catalogue:
    """Tools and prompts; resources need not be listed to exist."""

    def __init__(self, clock: Clock) -> None:
        self._names = {Kind.TOOL: Names(_tools, clock), Kind.PROMPT: Names(_prompts, clock)}

    async def fill(self, session: ClientSession, capabilities: ServerCapabilities, name: str) -> None:
        """Ask for everything that the upstream says to have. A list that cannot be had is told in the log."""
        for kind, names in self._names.items():
            if _has(capabilities, kind) is None:
                names.items = {}
                continue
            try:
                await names.refresh(session)
            except Exception as problem:  # noqa: BLE001 -- whatever it answers, its calls may still work
                log.warning("%s: its list of %ss cannot be had: %s", name, kind.value, type(problem).__name__)

    async def knows(
        self, kind: Kind, name: str, session: ClientSession | None, capabilities: ServerCapabilities | None
    ) -> bool | None:
        """Whether there is such a thing; None when that cannot be told. Looks again where a list may have changed."""
        names = self._names.get(kind)
        if names is None:
            return True
        if names.items is not None and name in names.items:
            return True
        if session is None or capabilities is None:
            return None if names.items is None else False
        has = _has(capabilities, kind)
        if has is None or (has.list_changed and names.items is not None):
            return False
        with anyio.move_on_after(LOOK_S) as scope:
            try:
                await names.look_again(session)
            except Exception:  # noqa: BLE001 -- then it is not known
                return None
        if scope.cancelled_caught or names.items is None:
            return None
        return name in names.items

    def schema_of(self, tool_name: str) -> Mapping[str, Any] | None:
        """A tool's input schema, as far as it is known."""
        tool = (self._names[Kind.TOOL].items or {}).get(tool_name)
        schema: Mapping[str, Any] | None = tool.input_schema if tool is not None else None
        return schema


def _has(capabilities: ServerCapabilities, kind: Kind) -> Any:
    return capabilities.tools if kind is Kind.TOOL else capabilities.prompts
