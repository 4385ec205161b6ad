"""New events as they come, until somebody has had enough."""

from __future__ import annotations

import asyncio
import select
import sys
from contextlib import aclosing

from gatetrail.cli.printing import Printer
from gatetrail.cli.reader import Reader
from gatetrail.events.search import EventFilter

LOOK_S = 0.5


async def follow(reader: Reader, wanted: EventFilter, after_seq: int, printer: Printer) -> None:
    """Print what fits behind a position, for ever; ends by cancellation or when nobody reads any more."""
    printing = asyncio.create_task(_print(reader, wanted, after_seq, printer))
    leaving = asyncio.create_task(_until_reader_leaves())
    try:
        await asyncio.wait((printing, leaving), return_when=asyncio.FIRST_COMPLETED)
        if printing.done():
            printing.result()
    finally:
        printing.cancel()
        leaving.cancel()
        await asyncio.wait((printing, leaving))


async def _print(reader: Reader, wanted: EventFilter, after_seq: int, printer: Printer) -> None:
    async with aclosing(reader.coming(wanted, after_seq)) as coming:
        async for entries in coming:
            printer.put(entries)


async def _until_reader_leaves() -> None:
    while not _reader_gone():  # noqa: ASYNC110 -- a pipe has no event for it
        await asyncio.sleep(LOOK_S)


def _reader_gone() -> bool:
    """Whether the other end of a pipe was closed; a quiet record would never find out by writing."""
    try:
        poll = select.poll()
        poll.register(sys.stdout.fileno(), 0)
        return any(state & (select.POLLERR | select.POLLNVAL) for _, state in poll.poll(0))
    except (OSError, ValueError, AttributeError):
        return False
