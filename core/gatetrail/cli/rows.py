"""Events as rows: one line where there is room for it, else two or three; a decision's id is always whole."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from gatetrail.cli.cells import BOLD, DIM, GREEN, RED, YELLOW, Cell, Screen
from gatetrail.events.model import (
    AuditGap,
    AuditSinkFailed,
    AuditSinkRecovered,
    Event,
    ExecutionOrphaned,
    IdentityRefused,
    ManifestListed,
    RateStoreFailed,
    RateStoreRecovered,
    ScannerDetected,
    ToolCallCompleted,
    ToolCallDecided,
)

ID_WIDTH = 36
ONE_LINE_FROM = 170
"""Terminal cells from which on an event is one line."""
TWO_LINES_FROM = 80
"""From which on it is two; on narrower terminals three."""
NOTHING = "-"
_INDENT = Cell("", 1)
_STYLES = {
    "allow": GREEN,
    "success": GREEN,
    "deny": RED,
    "failed": RED,
    "timeout": YELLOW,
}


@dataclass(frozen=True, slots=True)
class Columns:
    """What stands over the rows, or one event's texts for them."""

    time: str
    event: str
    decision: str
    gate: str
    user: str
    target: str
    identifier: str
    reason: str


_HEADINGS = Columns("time (UTC)", "event", "decision", "gate", "user", "server/tool", "decision id", "reason")


class Rows:
    """Lays events out for one screen."""

    def __init__(self, screen: Screen) -> None:
        self._screen = screen

    def heading(self) -> str:
        """The names of the columns, over as many lines as an event has."""
        return "\n".join(self._laid_out(_HEADINGS, Styles(*[BOLD] * 4)))

    def lines(self, event: Event) -> Iterator[str]:
        """The event's line, or its two or three."""
        word, gate = _decision_of(event)
        texts = Columns(
            self._time(event),
            event.event_name,
            word,
            gate,
            event.user_id or NOTHING,
            _target_of(event),
            _id_of(event) or NOTHING,
            _reason_of(event),
        )
        yield from self._laid_out(texts, Styles(DIM, _STYLES.get(word, ""), "" if gate == NOTHING else RED, ""))

    def _laid_out(self, texts: Columns, styles: Styles) -> Iterator[str]:
        if not self._screen.is_terminal:
            yield self._one_line(texts, styles, (27, 21, 8, 10, 14, 30))
        elif self._screen.width >= ONE_LINE_FROM:
            spare = self._screen.width - ONE_LINE_FROM
            yield self._one_line(texts, styles, (19, 21, 8, 10, 14 + min(spare // 4, 12), 30 + min(spare // 4, 20)))
        elif self._screen.width >= TWO_LINES_FROM:
            yield from self._two_lines(texts, styles)
        else:
            yield from self._three_lines(texts, styles)

    def _one_line(self, texts: Columns, styles: Styles, widths: tuple[int, int, int, int, int, int]) -> str:
        """All in columns; the reason takes what is left, and where nothing bounds it, all that it wants."""
        time, event, decision, gate, user, target = widths
        left = self._screen.width - sum(widths) - len(widths) - ID_WIDTH - 1
        return self._screen.line(
            [
                Cell(texts.time, time, styles.dim),
                Cell(texts.event, event, styles.plain),
                Cell(texts.decision, decision, styles.decision),
                Cell(texts.gate, gate, styles.gate),
                Cell(texts.user, user, styles.plain),
                Cell(texts.target, target, styles.plain),
                Cell(texts.identifier, ID_WIDTH, styles.dim),
                Cell(texts.reason, left if self._screen.is_terminal else 0, styles.plain),
            ]
        )

    def _two_lines(self, texts: Columns, styles: Styles) -> Iterator[str]:
        """What happened to what; below it the id, and who and why in one text, so that a long name has room."""
        yield self._screen.line([*self._first_cells(texts, styles), Cell(texts.target, self._left(55), styles.plain)])
        yield self._second_line(texts, styles, _said_of(texts.user, texts.reason))

    def _three_lines(self, texts: Columns, styles: Styles) -> Iterator[str]:
        yield self._screen.line(self._first_cells(texts, styles))
        if texts.identifier != NOTHING or texts.user != NOTHING:
            yield self._second_line(texts, styles, texts.user)
        about = Cell(_said_of(texts.target, texts.reason), self._left(2), styles.plain)
        yield self._screen.line([_INDENT, about])

    def _second_line(self, texts: Columns, styles: Styles, about: str) -> str:
        if texts.identifier == NOTHING:
            return self._screen.line([_INDENT, Cell(about, self._left(2), styles.plain)])
        identifier = Cell(texts.identifier, ID_WIDTH, styles.dim)
        return self._screen.line([_INDENT, identifier, Cell(about, self._left(ID_WIDTH + 3), styles.plain)])

    def _first_cells(self, texts: Columns, styles: Styles) -> list[Cell]:
        return [
            Cell(texts.time, 14, styles.dim),
            Cell(texts.event, 19, styles.plain),
            Cell(texts.decision, 8, styles.decision),
            Cell(texts.gate, 10, styles.gate),
        ]

    def _left(self, taken: int) -> int:
        return self._screen.width - taken

    def _time(self, event: Event) -> str:
        if not self._screen.is_terminal:
            return event.timestamp
        text = event.timestamp[:19].replace("T", " ")
        return text if self._screen.width >= ONE_LINE_FROM else text[5:]


@dataclass(frozen=True, slots=True)
class Styles:
    """ANSI styles of an event's cells."""

    dim: str
    decision: str
    gate: str
    plain: str


def _said_of(subject: str, text: str) -> str:
    return text if subject == NOTHING else f"{subject}: {text}"


def _decision_of(event: Event) -> tuple[str, str]:
    match event:
        case ToolCallDecided():
            return event.decision, event.gate.value if event.decision == "deny" else NOTHING
        case ScannerDetected():
            return event.decision, event.gate
        case ToolCallCompleted():
            return event.execution_status.value, NOTHING
        case ExecutionOrphaned():
            return event.execution_status, NOTHING
        case _:
            return NOTHING, NOTHING


def _target_of(event: Event) -> str:
    match event:
        case ToolCallDecided() | ToolCallCompleted() | ExecutionOrphaned():
            return f"{event.server_name}/{event.tool_name}"
        case ManifestListed():
            return f"{event.server_name} {event.method}"
        case ScannerDetected() | IdentityRefused():
            return event.endpoint or NOTHING
        case AuditSinkFailed() | AuditSinkRecovered() | AuditGap():
            return f"sink {event.sink_name}"
        case RateStoreFailed() | RateStoreRecovered():
            return f"rate store {event.store}"
        case _:
            return NOTHING


def _id_of(event: Event) -> str | None:
    match event:
        case ToolCallDecided() | ToolCallCompleted() | ExecutionOrphaned():
            return event.execution_id
        case _:
            return None


def _reason_of(event: Event) -> str:
    match event:
        case ToolCallDecided() | ScannerDetected() | IdentityRefused():
            return event.reason
        case ToolCallCompleted():
            took = f"{event.latency_ms:.1f} ms"
            return f"{event.error_class}, {took}" if event.error_class else took
        case _:
            return event.message
