"""The two ways to print events: lines for programs, or rows for people."""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum
from typing import TYPE_CHECKING, Protocol, assert_never

if TYPE_CHECKING:
    from gatetrail.events.journal import Entry
    from gatetrail.events.outgoing import Render

UNREADABLE = "seq {} holds no event that can be read; gatetrail verify tells more"


class Printed(StrEnum):
    """What an event is printed as: a row of a table, or one of `gatetrail.formats.choice.Format`."""

    TABLE = "table"
    JSON = "json"
    ECS = "ecs"
    OCSF = "ocsf"
    OCSF_1_9 = "ocsf-1.9"
    CEF = "cef"
    LEEF = "leef"


class Printer(Protocol):
    """Prints events as they come, in order."""

    def put(self, entries: Sequence[Entry]) -> None:
        """Raises `ReaderGone` when nobody reads any more."""
        ...


class LinePrinter:
    """One line for each event. What cannot be rendered is told on stderr, and the rest goes on."""

    def __init__(self, render: Render) -> None:
        self._render = render

    def put(self, entries: Sequence[Entry]) -> None:
        from gatetrail.cli.output import flush, put_line
        from gatetrail.cli.talk import warn

        for entry in entries:
            try:
                put_line(self._render(entry))
            except ValueError:
                warn(UNREADABLE.format(entry.seq))
        flush()


class TablePrinter:
    """Rows, with a heading over the first one."""

    def __init__(self) -> None:
        from gatetrail.cli.cells import Screen
        from gatetrail.cli.rows import Rows

        self._rows = Rows(Screen())
        self._begun = False

    def put(self, entries: Sequence[Entry]) -> None:
        from gatetrail.cli.output import flush, put_text

        if entries and not self._begun:
            self._begun = True
            put_text(self._rows.heading())
        for entry in entries:
            for line in self._lines(entry):
                put_text(line)
        flush()

    def _lines(self, entry: Entry) -> Sequence[str]:
        try:
            return list(self._rows.lines(entry.event()))
        except ValueError:  # pydantic's, for a row that was written by something else
            return [UNREADABLE.format(entry.seq)]


def printer_for(chosen: Printed) -> Printer:
    """Rows for people, lines for programs."""
    from gatetrail.formats.choice import Format, render_of

    match chosen:
        case Printed.TABLE:
            return TablePrinter()
        case Printed.JSON | Printed.ECS | Printed.OCSF | Printed.OCSF_1_9 | Printed.CEF | Printed.LEEF:
            return LinePrinter(render_of(Format(chosen.value)))
        case _:
            assert_never(chosen)
