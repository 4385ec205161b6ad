"""`gatetrail why`: one decision, explained from the record."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING, Annotated

import typer

from gatetrail.cli.door import NO, within
from gatetrail.cli.options import Config, DataDir, Dsn, Json, settings_of
from gatetrail.cli.talk import say_error
from gatetrail.errors import WrongUse

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gatetrail.events.journal import Entry
    from gatetrail.settings import ServiceSettings

EXAMPLES = """Examples:

\b
  gatetrail why 0199f2c4-8a51-7d3e-9b6f-2c1d0e4a5b6c
  gatetrail why 0199f2c4-8a51-7d3e-9b6f-2c1d0e4a5b6c --json
"""

Identifier = Annotated[
    str,
    typer.Argument(
        metavar="DECISION_ID", help="As it stands in the caller's error, in an event, or an event's own id."
    ),
]


def why(
    decision_id: Identifier, as_json: Json = False, dsn: Dsn = None, data_dir: DataDir = None, config: Config = None
) -> None:
    """Explain one decision: every gate, the matched rule, the outcome, and what would have passed."""
    from gatetrail.cli.explanation import explanation_of
    from gatetrail.cli.output import flush, put_json, put_text

    identifier = checked_id(decision_id)
    entries = within(_entries(settings_of(config, dsn=dsn, data_dir=data_dir), identifier))
    explanation = explanation_of([entry.event() for entry in entries])
    if explanation is None:
        say_error(f"the record has no decision {identifier}")
        raise typer.Exit(NO)
    if as_json:
        put_json(explanation.as_json())
    else:
        put_text(explanation.as_text())
    flush()


def checked_id(text: str) -> str:
    """The id in its one form: 36 characters, lower case. Raises `WrongUse`."""
    from gatetrail.clock import id_moment_us, rfc3339

    try:
        identifier = uuid.UUID(text.strip())
        rfc3339(id_moment_us(str(identifier)))
        if identifier.version == 7:  # noqa: PLR2004 -- RFC 9562
            return str(identifier)
    except (ValueError, OverflowError, OSError):
        pass
    raise WrongUse(
        f"{text!r} is no decision id; expected 36 characters such as 0199f2c4-8a51-7d3e-9b6f-2c1d0e4a5b6c,"
        " as they stand in the caller's error and in gatetrail events"
    )


async def _entries(settings: ServiceSettings, identifier: str) -> Sequence[Entry]:
    from gatetrail.runtime.records import open_records

    async with open_records(settings) as records:
        return await records.search.of_decision(identifier)
