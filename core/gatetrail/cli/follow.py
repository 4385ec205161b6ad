"""New events as they come, found by position alone, so that none is left out and none comes twice."""

from __future__ import annotations

import asyncio
import select
import sys

from gatetrail.cli.printing import Printer
from gatetrail.cli.talk import say, warn
from gatetrail.errors import DatabaseUnavailable
from gatetrail.events.search import EventFilter
from gatetrail.runtime.records import Records

POLL_S = 0.25
RETRY_S = 1.0
PAGE = 1_000


async def follow(records: Records, wanted: EventFilter, after_seq: int, printer: Printer) -> None:
    """Print what matches behind a position, for ever; ends by cancellation or when nobody reads any more.

    While the database is away it waits, says so once, and goes on where it was.
    """
    position, away = after_seq, False
    while not _reader_gone():
        try:
            position = await _catch_up(records, wanted, position, printer)
            if away:
                say("The database is back.")
            away = False
        except DatabaseUnavailable as problem:
            if not away:
                warn(f"{problem}; trying again until it is back")
            away = True
        await asyncio.sleep(RETRY_S if away else POLL_S)


async def _catch_up(records: Records, wanted: EventFilter, position: int, printer: Printer) -> int:
    # What is committed up to this head is all there is up to it: positions are given in order of commit.
    head_seq = await records.head.seq()
    while position < head_seq:
        entries = await records.search.after(wanted, position, PAGE)
        printer.put(entries)
        position = entries[-1].seq if len(entries) == PAGE else max(head_seq, *(entry.seq for entry in entries), 0)
    return position


def _reader_gone() -> bool:
    """Whether the other end of a pipe was closed; a quiet record would never find out by writing."""
    try:
        poll = select.poll()
        poll.register(sys.stdout.fileno(), 0)
        return any(state & (select.POLLERR | select.POLLNVAL) for _, state in poll.poll(0))
    except (OSError, ValueError, AttributeError):
        return False
