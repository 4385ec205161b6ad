"""The time that an answer takes must not tell a hidden thing from one that does not exist.

Figures are for `bench/hidden.py`; here both are seen to do the same work: as many writes, as many looks
into the server, as many turns of the event loop.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from mcp_types import PaginatedRequestParams

from gatetrail.events.fields import Record
from tests.mcp.conftest import Gate, serve
from tests.mcp.servers import NAME, Sample, build
from tests.mcp.wire import ERAS, Answer

pytestmark = [pytest.mark.anyio, pytest.mark.requirement("C2")]


class Work:
    """What one request makes the process do."""

    def __init__(self, gate: Gate, sample: Sample) -> None:
        self.appends = 0
        self.lists = 0
        append = gate.journal.append

        async def counted(event: Record) -> int:
            self.appends += 1
            return await append(event)

        vars(gate.journal)["append"] = counted
        self._count_lists(sample)

    def _count_lists(self, sample: Sample) -> None:
        handlers = vars(sample.low)["_request_handlers"]
        entry = handlers["tools/list"]

        async def counted(context: Any, params: Any) -> Any:
            self.lists += 1
            return await entry.handler(context, params)

        sample.low.add_request_handler("tools/list", PaginatedRequestParams, counted)

    async def of(self, ask: Callable[[], Awaitable[Answer]]) -> tuple[int, int]:
        """Writes and lists of one request."""
        self.appends = self.lists = 0
        answer = await ask()
        assert answer.error["message"].startswith("Unknown tool: ")
        return self.appends, self.lists


@pytest.mark.parametrize("era", ERAS)
@pytest.mark.parametrize("kind", ["mcpserver", "lowlevel", "fastmcp"])
async def test_hidden_and_unknown_cost_the_same_work(gate: Gate, kind: str, era: str) -> None:
    sample = build(kind)
    work = Work(gate, sample)
    gate.adapter.install(sample.server, name=NAME)
    async with serve(sample.app()) as site:
        wire = await site.opened(era, gate.token())
        await wire.call("get_invoice", {"number": 1})
        for _ in range(3):
            hidden = await work.of(lambda: wire.call("pay", {"a": 1}))
            unknown = await work.of(lambda: wire.call("bay", {"a": 1}))
            assert hidden == unknown
            assert hidden[0] == 1
