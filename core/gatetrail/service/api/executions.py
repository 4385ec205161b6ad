"""`/v1/executions`: decided calls, and how they ended."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import BaseModel, ConfigDict
from starlette.requests import Request

from gatetrail.clock import rfc3339
from gatetrail.errors import WrongUse
from gatetrail.events.listing import Execution
from gatetrail.events.stats import STUCK_AFTER_S
from gatetrail.service.api.asked import ExecutionsAsked, wanted_of
from gatetrail.service.api.door import Door
from gatetrail.service.api.paging import Turn
from gatetrail.service.api.reader import Reading
from gatetrail.service.api.route import add_reading
from gatetrail.service.api.sources import Sources
from gatetrail.words import ExecutionStatus


class ExecutionPage(BaseModel):
    """Executions in ascending order of `decided_seq`."""

    model_config = ConfigDict(use_attribute_docstrings=True)

    executions: Sequence[Execution]
    next_after: int | None
    """Ask for `after` this to get what was decided later."""
    next_before: int | None
    """Ask for `before` this to get what was decided earlier; null when nothing was."""


class ExecutionRoutes:
    """Reads the rows that are made from the journal."""

    def __init__(self, sources: Sources, door: Door) -> None:
        self._sources = sources
        self._door = door

    def add_to(self, router: APIRouter) -> None:
        add_reading(router, "/v1/executions", self.page, summary="List executions", model=ExecutionPage)

    async def page(
        self, request: Request, reader: Reading, asked: Annotated[ExecutionsAsked, Query()]
    ) -> ExecutionPage:
        """One row for each decision, denied ones too. The newest, or with `after` the first behind a position.

        Without the role `auditor` or the tier admin: your own. Other users' executions are refused with 403.
        """
        await self._door.require_own(request, reader, asked.user)
        if asked.stuck and asked.status not in {None, ExecutionStatus.PENDING}:
            raise WrongUse(f"stuck: such calls are pending, and status says {asked.status}; give one of them")
        sources = self._sources
        wanted = wanted_of(asked, reader, self._door.redactor, sources.clock)
        stuck_before = rfc3339(sources.clock.now_us() - STUCK_AFTER_S * 1_000_000) if asked.stuck else None
        turn = Turn(asked.after, asked.before, asked.limit)
        head_seq = await sources.head.seq()
        listing = sources.listing
        if turn.after is None:
            found = await listing.newest(
                wanted, turn.fetched, turn.before, status=asked.status, stuck_before=stuck_before
            )
        else:
            found = await listing.after(
                wanted, turn.after, turn.fetched, turn.before, status=asked.status, stuck_before=stuck_before
            )
        page = turn.page(found, lambda execution: execution.decided_seq, head_seq)
        return ExecutionPage(executions=page.items, next_after=page.next_after, next_before=page.next_before)
