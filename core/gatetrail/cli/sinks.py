"""`gatetrail sinks`: how each output is and how far it has come."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import typer

from gatetrail.cli.door import within
from gatetrail.cli.options import Config, DataDir, Dsn, Json, settings_of
from gatetrail.cli.talk import say

if TYPE_CHECKING:
    from gatetrail.delivery.sink import CursorState
    from gatetrail.settings import ServiceSettings

EXAMPLES = """Examples:

\b
  gatetrail sinks
  gatetrail sinks --json
  gatetrail sinks quarantine --sink siem
  gatetrail sinks resend --sink siem --all
"""

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


def sinks(
    context: typer.Context, as_json: Json = False, dsn: Dsn = None, data_dir: DataDir = None, config: Config = None
) -> None:
    """Show every sink: its health in a word, its cursor, how far it is behind the head, its quarantine.

    unowned: nobody drives it. failing: it takes nothing and says why. stuck: events wait and nothing has moved for
    a minute. behind: it moves, and its next event is older than ten seconds. Else it is healthy.
    """
    if context.invoked_subcommand is not None:
        return
    from gatetrail.cli.output import flush, put_json, put_text

    states = within(_states(settings_of(config, dsn=dsn, data_dir=data_dir)))
    if as_json:
        for state in states:
            put_json(_as_json(state))
    elif states:
        put_text(_as_table(states))
    else:
        say("No sink has run yet. Name one under `sinks` in service.yaml, then: gatetrail serve --config service.yaml")
    flush()


async def _states(settings: ServiceSettings) -> Sequence[CursorState]:
    from gatetrail.runtime.records import open_records

    async with open_records(settings) as records:
        return await records.cursors.states()


def _as_json(state: CursorState) -> dict[str, Any]:
    from gatetrail.delivery.sink_health import health_of

    keys = asdict(state)
    return {
        "sink_name": keys.pop("sink_name"),
        "health": health_of(state).value,
        "cursor_seq": keys.pop("seq"),
        "head_seq": keys.pop("head_seq"),
        "lag": state.lag,
        **keys,
    }


def _as_table(states: Sequence[CursorState]) -> str:
    from gatetrail.cli.cells import BOLD, GREEN, RED, YELLOW, Cell, Screen

    styles = {"healthy": GREEN, "behind": YELLOW}
    rows = [HEADINGS, *(_row(state) for state in states)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(HEADINGS) - 1)]
    screen = Screen()
    lines: list[str] = []
    for row in rows:
        rest = BOLD if row is HEADINGS else ""
        health = BOLD if row is HEADINGS else styles.get(row[1], RED)
        cells = [
            Cell(text, width, health if column == 1 else rest)
            for column, (text, width) in enumerate(zip(row, [*widths, 0], strict=True))
        ]
        lines.append(screen.line(cells))
    return "\n".join(lines)


def _row(state: CursorState) -> tuple[str, ...]:
    from gatetrail.delivery.sink_health import health_of

    return (
        state.sink_name,
        health_of(state).value,
        str(state.seq),
        str(state.lag),
        str(state.exported_count),
        str(state.quarantined_count),
        state.acknowledged_at or "-",
        state.failing_since or "-",
        state.last_error or "-",
    )
