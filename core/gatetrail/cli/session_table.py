"""Sessions as people read them: a table where it fits, else a few lines for each."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from rich.cells import cell_len

from gatetrail.cli.cells import BOLD, DIM, GREEN, Cell, Screen

_COLUMNS = {
    "session_id": "session",
    "state": "state",
    "user_id": "user",
    "session_tier": "tier",
    "department": "department",
    "client_name": "client",
    "server_name": "server",
    "opened_at": "opened",
    "last_used_at": "last used",
    "reason": "ended because",
}
_TIMES = frozenset({"opened_at", "last_used_at"})
_LABEL_WIDTH = 15


def session_lines(sessions: Sequence[Mapping[str, Any]], screen: Screen) -> Iterator[str]:
    """Lines for sessions in the keys of `gatetrail sessions --json`."""
    rows = [_row(session, screen) for session in sessions]
    headings = [*_COLUMNS.values()]
    widths = [max(cell_len(row[column]) for row in (headings, *rows)) for column in range(len(headings))]
    if screen.is_terminal and sum(widths) + len(widths) - 1 > screen.width:
        for row in rows:
            yield from _stacked(row, screen)
        return
    yield screen.line(Cell(text, width, BOLD) for text, width in zip(headings, widths, strict=True))
    for row in rows:
        styles = ["", GREEN if row[1] == "open" else DIM, *[""] * (len(row) - 2)]
        yield screen.line(map(Cell, row, widths, styles))


def _stacked(row: Sequence[str], screen: Screen) -> Iterator[str]:
    session_id, state, *rest = row
    yield screen.line([Cell(f"session {session_id}:", 0, BOLD), Cell(state, 0, GREEN if state == "open" else DIM)])
    for label, text in zip([*_COLUMNS.values()][2:], rest, strict=True):
        if text != "-":
            yield from screen.labelled(Cell(f"  {label}", _LABEL_WIDTH, DIM), Cell(text))


def _row(session: Mapping[str, Any], screen: Screen) -> list[str]:
    return [_text(session[key], is_time=screen.is_terminal and key in _TIMES) for key in _COLUMNS]


def _text(value: object, *, is_time: bool) -> str:
    if value is None:
        return "-"
    return str(value)[:19].replace("T", " ") if is_time else str(value)
