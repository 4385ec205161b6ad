"""`gatetrail why`: one decision, explained from the record."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from gatetrail.cli.door import NO, within
from gatetrail.cli.options import Config, DataDir, Dsn, Json, TokenFile, Url
from gatetrail.cli.reader import reader_of
from gatetrail.cli.talk import say_error

if TYPE_CHECKING:
    from collections.abc import Sequence
    from contextlib import AbstractAsyncContextManager

    from gatetrail.cli.reader import Reader
    from gatetrail.events.explanation import Explanation
    from gatetrail.events.journal import Entry

EXAMPLES = """Examples:

\b
  gatetrail why 0199f2c4-8a51-7d3e-9b6f-2c1d0e4a5b6c
  gatetrail why 0199f2c4-8a51-7d3e-9b6f-2c1d0e4a5b6c --json
  gatetrail why 0199f2c4-8a51-7d3e-9b6f-2c1d0e4a5b6c --url http://gate:8080
"""

Identifier = Annotated[
    str,
    typer.Argument(
        metavar="DECISION_ID", help="As it stands in the caller's error, in an event, or an event's own id."
    ),
]


def why(
    context: typer.Context,
    *,
    decision_id: Identifier,
    as_json: Json = False,
    url: Url = None,
    token_file: TokenFile = None,
    dsn: Dsn = None,
    data_dir: DataDir = None,
    config: Config = None,
) -> None:
    """Explain one decision: every gate, the matched rule, the outcome, and what would have passed.

    Exit 1: the record has no such decision, or it is not for this caller to see.
    """
    from gatetrail.cli.explanation import text_of
    from gatetrail.cli.output import flush, put_json, put_text
    from gatetrail.events.asking import decision_id_of

    identifier = decision_id_of(decision_id)
    opening = reader_of(context, url=url, token_file=token_file, dsn=dsn, data_dir=data_dir, config=config)
    found = within(_explained(opening, identifier, traced=as_json))
    if found is None:
        say_error(f"the record has no decision {identifier}")
        raise typer.Exit(NO)
    explanation, trace = found
    if as_json:
        put_json(explanation.as_json(trace))
    else:
        put_text(text_of(explanation))
    flush()


async def _explained(
    opening: AbstractAsyncContextManager[Reader], identifier: str, *, traced: bool
) -> tuple[Explanation, Sequence[Entry]] | None:
    """The explanation, and the events of its trace if they are wanted."""
    from gatetrail.events.explanation import explanation_of, trace_of

    async with opening as reader:
        explanation = explanation_of([entry.event() for entry in await reader.search.of_decision(identifier)])
        if explanation is None:
            return None
        return explanation, await trace_of(explanation, reader.search) if traced else ()
