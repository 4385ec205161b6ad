"""Sinks as people read them: a table where it fits, else a few lines for each."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from rich.cells import cell_len

from gatetrail.cli.cells import BOLD, DIM, GREEN, RED, YELLOW, Cell, Screen

HEADINGS = (
    "sink",
    "health",
    "cursor",
    "lag",
    "exported",
    "quarantined",
    "last acknowledgement",
    "failing since",
    "last error",
)
_KEYS = ("sink_name", "health", "cursor_seq", "lag", "exported_count", "quarantined_count")
_TIMES = ("acknowledged_at", "failing_since")
_STYLES = {"healthy": GREEN, "behind": YELLOW, "unowned": YELLOW}
_LABEL_WIDTH = 22


def sink_lines(sinks: Sequence[Mapping[str, Any]], screen: Screen) -> Iterator[str]:
    """Lines for sinks in the keys of `gatetrail sinks --json`; nothing of them is left out."""
    rows = [_row(sink, screen) for sink in sinks]
    widths = [max(cell_len(row[column]) for row in (HEADINGS, *rows)) for column in range(len(HEADINGS))]
    if screen.is_terminal and sum(widths) + len(widths) - 1 > screen.width:
        for row in rows:
            yield from _stacked(row, screen)
        return
    yield screen.line(Cell(text, width, BOLD) for text, width in zip(HEADINGS, widths, strict=True))
    for row in rows:
        styles = ["", _STYLES.get(row[1], RED), *[""] * (len(row) - 2)]
        yield screen.line(map(Cell, row, widths, styles))


def _stacked(row: Sequence[str], screen: Screen) -> Iterator[str]:
    name, health, *_ = row
    yield screen.line([Cell(f"sink {name}:", 0, BOLD), Cell(health, 0, _STYLES.get(health, RED))])
    counted = ", ".join(f"{word} {number}" for word, number in zip(HEADINGS[2:6], row[2:6], strict=True))
    yield from screen.labelled(Cell("", 1), Cell(counted))
    for label, text in zip(HEADINGS[6:], row[6:], strict=True):
        if text != "-":
            yield from screen.labelled(Cell(f"  {label}", _LABEL_WIDTH, DIM), Cell(text))


def _row(sink: Mapping[str, Any], screen: Screen) -> tuple[str, ...]:
    values = [_text(sink.get(key)) for key in _KEYS]
    times = [_text(sink.get(key)) for key in _TIMES]
    if screen.is_terminal:
        times = [time[:19].replace("T", " ") for time in times]
    return (*values, *times, _text(sink.get("last_error")))


def _text(value: object) -> str:
    return "-" if value is None else str(value)
