"""Events as rows: one line where there is room for it, else two; a decision's id is always whole."""

from __future__ import annotations

from collections.abc import Iterator

from gatetrail.cli.cells import BOLD, DIM, GREEN, RED, YELLOW, Cell, Screen
from gatetrail.events.model import (
    AuditGap,
    AuditSinkFailed,
    AuditSinkRecovered,
    Event,
    ExecutionOrphaned,
    IdentityRefused,
    ManifestListed,
    ScannerDetected,
    ToolCallCompleted,
    ToolCallDecided,
)

ID_WIDTH = 36
WIDE_FROM = 170
"""Terminal cells from which on an event is one line."""
_HEADINGS = ("time (UTC)", "event", "decision", "gate", "user", "server/tool")
_INDENT = 15
_STYLES = {
    "allow": GREEN,
    "success": GREEN,
    "deny": RED,
    "failed": RED,
    "timeout": YELLOW,
}


class Rows:
    """Lays events out for one screen."""

    def __init__(self, screen: Screen) -> None:
        self._screen = screen
        self._wide = not screen.is_terminal or screen.width >= WIDE_FROM
        spare = max(screen.width, 60) - (_INDENT + 20 + 9 + 11) if screen.is_terminal else 48
        user = min(max(spare // 3, 8), 16)
        if self._wide:
            self._widths = (19 if screen.is_terminal else 27, 21, 8, 10, 14, 30)
        else:
            self._widths = (14, 19, 8, 10, user, max(spare - user - 1, 8))

    def heading(self) -> str:
        """The names of the columns."""
        cells = [Cell(name, width, BOLD) for name, width in zip(_HEADINGS, self._widths, strict=True)]
        rest = [Cell("decision id", ID_WIDTH, BOLD), Cell("reason", 0, BOLD)]
        if self._wide:
            return self._screen.line([*cells, *rest])
        return self._screen.line(cells) + "\n" + self._screen.line([Cell("", _INDENT - 1), *rest])

    def lines(self, event: Event) -> Iterator[str]:
        """The event's line, or its two."""
        word, gate = _decision_of(event)
        texts = (self._time(event), event.event_name, word, gate, event.user_id or "-", _target_of(event))
        styles = (DIM, "", _STYLES.get(word, ""), _STYLES.get(word, "") if gate != "-" else DIM, "", "")
        cells = [Cell(text, width, style) for text, width, style in zip(texts, self._widths, styles, strict=True)]
        identifier = _id_of(event)
        if self._wide:
            yield self._screen.line([*cells, Cell(identifier or "-", ID_WIDTH, DIM), self._reason(event, self._taken)])
            return
        yield self._screen.line(cells)
        indent = Cell("", _INDENT - 1)
        if identifier is None:
            yield self._screen.line([indent, self._reason(event, _INDENT)])
        else:
            reason = self._reason(event, _INDENT + ID_WIDTH + 1)
            yield self._screen.line([indent, Cell(identifier, ID_WIDTH, DIM), reason])

    @property
    def _taken(self) -> int:
        return sum(self._widths) + len(self._widths) + ID_WIDTH + 1

    def _reason(self, event: Event, taken: int) -> Cell:
        text = _reason_of(event)
        if not self._screen.is_terminal:
            return Cell(text)
        return Cell(text, max(self._screen.width - taken, 10))

    def _time(self, event: Event) -> str:
        if not self._screen.is_terminal:
            return event.timestamp
        text = event.timestamp[:19].replace("T", " ")
        return text if self._wide else text[5:]


def _decision_of(event: Event) -> tuple[str, str]:
    match event:
        case ToolCallDecided():
            return event.decision, event.gate.value if event.decision == "deny" else "-"
        case ScannerDetected():
            return event.decision, event.gate
        case ToolCallCompleted():
            return event.execution_status.value, "-"
        case ExecutionOrphaned():
            return event.execution_status, "-"
        case _:
            return "-", "-"


def _target_of(event: Event) -> str:
    match event:
        case ToolCallDecided() | ToolCallCompleted() | ExecutionOrphaned():
            return f"{event.server_name}/{event.tool_name}"
        case ManifestListed():
            return f"{event.server_name} {event.method}"
        case ScannerDetected() | IdentityRefused():
            return event.endpoint or "-"
        case AuditSinkFailed() | AuditSinkRecovered() | AuditGap():
            return f"sink {event.sink_name}"
        case _:
            return "-"


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
