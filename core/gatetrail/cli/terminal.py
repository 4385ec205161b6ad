"""What a terminal may be shown, and how wide it is."""

from __future__ import annotations

import os
from shutil import get_terminal_size
from typing import TextIO

MIN_WIDTH = 60
"""Narrower terminals are treated as if they had so many cells."""


def printable(text: str) -> str:
    """Text that cannot move a terminal's cursor, change its colours or reorder a line."""
    if text.isprintable():
        return text
    return "".join(character if character.isprintable() else "\ufffd" for character in text)


def coloured(stream: TextIO) -> bool:
    """Whether colour is welcome: on a terminal, or where FORCE_COLOR is set (for `less -R`).

    Never where NO_COLOR is set (no-color.org), which goes over the other.
    """
    if os.environ.get("NO_COLOR"):
        return False
    forced = os.environ.get("FORCE_COLOR")
    if forced:
        return forced != "0"
    return stream.isatty() and os.environ.get("TERM") != "dumb"


def width_of_terminal() -> int:
    """Cells in a line; COLUMNS goes over what the terminal says."""
    return max(get_terminal_size((80, 24)).columns, MIN_WIDTH)
