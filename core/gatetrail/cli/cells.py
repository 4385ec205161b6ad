"""Text in columns: measured, cut, folded and coloured for a terminal, whole and plain for everything else."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from rich.cells import cell_len, chop_cells, set_cell_size

from gatetrail.cli.terminal import coloured, printable, width_of_terminal

DIM, RED, GREEN, YELLOW, BOLD = "2", "31", "32", "33", "1"


@dataclass(frozen=True, slots=True)
class Cell:
    """A text in a column that is so many terminal cells wide; 0 leaves the text as long as it is."""

    text: str
    width: int = 0
    style: str = ""
    """An ANSI style (SGR parameters), used only where colour is welcome."""


class Screen:
    """Where lines go to: a terminal of some width, or something that wants every character."""

    def __init__(self) -> None:
        self.is_terminal = sys.stdout.isatty()
        self.width = width_of_terminal() if self.is_terminal else 0
        self._colour = coloured(sys.stdout)

    def line(self, cells: Iterable[Cell]) -> str:
        """One line. On a terminal no cell is wider than its column; elsewhere a longer text moves the rest."""
        shown = [(self._fitted(cell), cell.style) for cell in cells]
        while shown and not shown[-1][0].strip():
            shown.pop()
        return " ".join(self._styled(text, style) for text, style in shown).rstrip()

    def labelled(self, label: Cell, value: Cell) -> Iterator[str]:
        """A value beside its label, whole: on a terminal it goes on below itself where the line is too short."""
        for number, text in enumerate(self.folded(value.text, label.width + 1)):
            yield self.line([Cell("" if number else label.text, label.width, label.style), Cell(text, 0, value.style)])

    def folded(self, text: str, taken: int = 0) -> list[str]:
        """A text in lines that fit beside so many cells; in one line where nothing bounds it."""
        text = printable(text)
        return folded(text, self.width - taken) if self.is_terminal else [text]

    def _fitted(self, cell: Cell) -> str:
        text = printable(cell.text)
        if not cell.width:
            return text
        length = cell_len(text)
        if length <= cell.width:
            return text + " " * (cell.width - length)
        return cut(text, cell.width) if self.is_terminal else text

    def _styled(self, text: str, style: str) -> str:
        return f"\x1b[{style}m{text}\x1b[0m" if self._colour and style and text else text


def cut(text: str, width: int) -> str:
    """The beginning of a text that is too long, in exactly so many cells; an ellipsis says that there is more."""
    return set_cell_size(text, width - 1) + "…" if width > 1 else set_cell_size(text, width)


def folded(text: str, width: int) -> list[str]:
    """A text in lines of at most so many cells, broken between words where there are any; at least one line."""
    lines: list[str] = []
    line = ""
    for word in text.split(" "):
        longer = f"{line} {word}" if line else word
        if cell_len(longer) <= width:
            line = longer
            continue
        if line:
            lines.append(line)
        *whole, line = chop_cells(word, width) or [""]
        lines += whole
    return [*lines, line] if line or not lines else lines
