"""Journal entries for the tests of sinks."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from gatetrail.events.journal import Entry
from gatetrail.testing import MemoryJournal
from tests.samples import decided, make_stamp

NASTY = (
    "line\nbreak \r\n and tab\t",
    "\u2028 and \u2029 and \x85",
    "\x1b[31mred\x1b[0m \x00 \x7f",
    '"quotes" and \\ and </script>',
    "ünïcödé 漢字 🦊 \U0010ffff",
    "%s %(message)s {message}",
)
"""What gets past careless writers of lines, JSON and formats."""


async def make_entries(count: int, first_seq: int = 1, **over: Any) -> Sequence[Entry]:
    """Entries of a chain, with consecutive positions from `first_seq`, in the bytes that the journal writes."""
    journal, stamp = MemoryJournal(), make_stamp()
    for index in range(first_seq + count - 1):
        keys: dict[str, Any] = {"user_id": NASTY[index % len(NASTY)], **over}
        await journal.append(decided(stamp, denied=index % 3 == 0, **keys))
    return await journal.read(first_seq - 1, count)
