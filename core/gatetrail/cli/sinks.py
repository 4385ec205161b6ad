"""`gatetrail sinks`: how far each output has come."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from gatetrail.cli.door import within
from gatetrail.cli.options import Config, DataDir, Dsn, Json, settings_of
from gatetrail.cli.talk import say

if TYPE_CHECKING:
    from gatetrail.events.sink import CursorState
    from gatetrail.settings import ServiceSettings

EXAMPLES = """Examples:

\b
  gatetrail sinks
  gatetrail sinks --json
"""

HEADINGS = ("sink", "cursor", "lag", "exported", "quarantined", "last acknowledgement", "failing since", "last error")


def sinks(as_json: Json = False, dsn: Dsn = None, data_dir: DataDir = None, config: Config = None) -> None:
    """Show every sink: its cursor, how far it is behind the head, its failure, its quarantine."""
    from gatetrail.cli.output import flush, put_json, put_text

    states, head_seq = within(_states(settings_of(config, dsn=dsn, data_dir=data_dir)))
    if as_json:
        for state in states:
            put_json(_as_json(state, head_seq))
    elif states:
        put_text(_as_table(states, head_seq))
    else:
        say("No sink has run yet. Name one under `sinks` in service.yaml, then: gatetrail serve --config service.yaml")
    flush()


async def _states(settings: ServiceSettings) -> tuple[Sequence[CursorState], int]:
    from gatetrail.runtime.records import open_records

    async with open_records(settings) as records:
        # The head last, so that no lag is negative.
        states = await records.cursors.states()
        return states, await records.head.seq()


def _as_json(state: CursorState, head_seq: int) -> dict[str, Any]:
    keys = asdict(state)
    return {
        "sink_name": keys.pop("sink_name"),
        "cursor_seq": (seq := keys.pop("seq")),
        "head_seq": head_seq,
        "lag": head_seq - seq,
        **keys,
    }


def _as_table(states: Sequence[CursorState], head_seq: int) -> str:
    from gatetrail.cli.cells import BOLD, RED, Cell, Screen

    rows = [HEADINGS, *(_row(state, head_seq) for state in states)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(HEADINGS) - 1)]
    screen = Screen()
    lines: list[str] = []
    for number, row in enumerate(rows):
        failing = number > 0 and row[6] != "-"
        style = BOLD if number == 0 else RED if failing else ""
        lines.append(screen.line([Cell(text, width, style) for text, width in zip(row, [*widths, 0], strict=True)]))
    return "\n".join(lines)


def _row(state: CursorState, head_seq: int) -> tuple[str, ...]:
    return (
        state.sink_name,
        str(state.seq),
        str(head_seq - state.seq),
        str(state.exported_count),
        str(state.quarantined_count),
        state.acknowledged_at or "-",
        state.failing_since or "-",
        state.last_error or "-",
    )
