"""The two ways to print events: the record's own bytes, or rows for people."""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum
from typing import TYPE_CHECKING, Protocol, assert_never

from gatetrail.errors import WrongUse

if TYPE_CHECKING:
    from gatetrail.events.journal import Entry


class Format(StrEnum):
    """What an event is printed as."""

    TABLE = "table"
    JSON = "json"
    ECS = "ecs"
    OCSF = "ocsf"
    CEF = "cef"
    LEEF = "leef"


class Printer(Protocol):
    """Prints events as they come, in order."""

    def put(self, entries: Sequence[Entry]) -> None:
        """Raises `ReaderGone` when nobody reads any more."""
        ...


class LinePrinter:
    """The journal's lines, byte for byte."""

    def put(self, entries: Sequence[Entry]) -> None:
        from gatetrail.cli.output import flush, put_line

        for entry in entries:
            put_line(entry.line)
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
            return [f"seq {entry.seq} holds no event that can be read; gatetrail verify tells more"]


def printer_for(chosen: Format) -> Printer:
    """Raises `WrongUse` for the forms that this release does not have."""
    match chosen:
        case Format.TABLE:
            return TablePrinter()
        case Format.JSON:
            return LinePrinter()
        case Format.ECS | Format.OCSF | Format.CEF | Format.LEEF:
            raise WrongUse(f"--format {chosen.value} comes with a later release; expected table or json")
        case _:
            assert_never(chosen)
