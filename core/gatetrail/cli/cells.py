"""Text in columns: measured, cut and coloured for a terminal, whole and plain for everything else."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from dataclasses import dataclass
from shutil import get_terminal_size

from rich.cells import cell_len, set_cell_size

from gatetrail.cli.talk import coloured, printable

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
        self.width = get_terminal_size((80, 24)).columns if self.is_terminal else 0
        self._colour = coloured(sys.stdout)

    def line(self, cells: Iterable[Cell]) -> str:
        """One line. On a terminal no cell is wider than its column; elsewhere a longer text moves the rest."""
        return " ".join(self._shown(cell) for cell in cells).rstrip()

    def _shown(self, cell: Cell) -> str:
        text = printable(cell.text)
        if cell.width:
            text = self._fitted(text, cell.width)
        return f"\x1b[{cell.style}m{text}\x1b[0m" if self._colour and cell.style and text else text

    def _fitted(self, text: str, width: int) -> str:
        length = cell_len(text)
        if length <= width:
            return text + " " * (width - length)
        if not self.is_terminal:
            return text
        return set_cell_size(text, width - 1) + "…" if width > 1 else set_cell_size(text, width)
