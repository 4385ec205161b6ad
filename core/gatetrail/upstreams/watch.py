"""What goes on beside an open connection: is it alive, and have its lists changed."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable

import anyio
from mcp.client import IncomingMessage
from mcp_types import PromptListChangedNotification, ResourceListChangedNotification, ToolListChangedNotification

from gatetrail.upstreams.link import MAX_DETAIL, Link

log = logging.getLogger("gatetrail.upstreams")

SIGN_S = 10.0
"""An upstream that has missed a time limit and gives no sign of life within this is started anew."""
LISTEN_AGAIN_S = 30.0
TELL_AGAIN_S = 0.2
"""Lists are not asked for, and clients not told, more often than this."""

LIST_CHANGES = (ToolListChangedNotification, PromptListChangedNotification, ResourceListChangedNotification)
ListChange = ToolListChangedNotification | PromptListChangedNotification | ResourceListChangedNotification


async def until_lost(name: str, link: Link, doubted: asyncio.Event) -> None:
    """Return once the connection is lost. `doubted` is set by whoever has waited for an answer in vain."""
    async with anyio.create_task_group() as watches:
        watches.start_soon(_doubt, link, doubted)
        if link.is_modern:
            watches.start_soon(_listen, name, link)
        try:
            await link.lost.wait()
        finally:
            # Who waits for an answer is told so while the connection is taken down.
            link.lose("it is being ended")
            watches.cancel_scope.cancel()


async def _doubt(link: Link, doubted: asyncio.Event) -> None:
    while True:
        await doubted.wait()
        doubted.clear()
        if not await link.answers(SIGN_S):
            link.lose(f"it gave no sign of life within {SIGN_S:g} s")


async def _listen(name: str, link: Link) -> None:
    """Newer servers tell of changes only on a stream that was asked for; the session hears what comes on it."""
    capabilities = link.introduction().capabilities
    tools, prompts, resources = (
        bool(part and part.list_changed) for part in (capabilities.tools, capabilities.prompts, capabilities.resources)
    )
    while tools or prompts or resources:
        try:
            async with link.client.listen(
                tools_list_changed=tools, prompts_list_changed=prompts, resources_list_changed=resources
            ) as changes:
                async for _ in changes:
                    pass
        except Exception as problem:  # noqa: BLE001 -- whatever it answers, its calls may still work
            log.info("upstream %s: no word of changed lists: %s", name, link.mask.line(str(problem), MAX_DETAIL))
        await asyncio.sleep(LISTEN_AGAIN_S)


class Changes:
    """Changed lists, told one after the other; many changes of one list at once are told as one."""

    def __init__(self, tell: Callable[[ListChange], Awaitable[None]]) -> None:
        self._tell = tell
        self._waiting: dict[type[ListChange], ListChange] = {}
        self._telling = False

    async def hear(self, message: IncomingMessage) -> None:
        """Whatever the upstream tells; only changed lists count."""
        if not isinstance(message, LIST_CHANGES):
            return
        self._waiting[type(message)] = message
        if self._telling:
            return
        self._telling = True
        try:
            while self._waiting:
                _, change = self._waiting.popitem()
                await self._tell(change)
                await asyncio.sleep(TELL_AGAIN_S)
        finally:
            self._telling = False
