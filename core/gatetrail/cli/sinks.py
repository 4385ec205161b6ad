"""`gatetrail sinks`: how each output is and how far it has come; and the end of one that is gone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Any

import typer

from gatetrail.cli.completion import sink_names
from gatetrail.cli.door import within
from gatetrail.cli.options import Config, DataDir, Dsn, Json, TokenFile, Url, database_of
from gatetrail.cli.reader import reader_of, refuse_typed
from gatetrail.cli.talk import say

if TYPE_CHECKING:
    from contextlib import AbstractAsyncContextManager

    from gatetrail.cli.reader import Reader

EXAMPLES = """Examples:

\b
  gatetrail sinks
  gatetrail sinks --json
  gatetrail sinks --url https://gatetrail.example --token-file auditor.jwt
  gatetrail sinks quarantine --sink siem
  gatetrail sinks resend --sink siem --all
"""
FORGET_EXAMPLES = """Examples:

\b
  gatetrail sinks forget old-siem
"""

SinkName = Annotated[
    str, typer.Argument(metavar="NAME", help="Which sink, as `gatetrail sinks` names it.", autocompletion=sink_names)
]
Force = Annotated[bool, typer.Option("--force", help="Also when the settings name it: it begins anew, then.")]


def sinks(
    context: typer.Context,
    as_json: Json = False,
    url: Url = None,
    token_file: TokenFile = None,
    dsn: Dsn = None,
    data_dir: DataDir = None,
    config: Config = None,
) -> None:
    """Show every sink: its health in a word, its cursor, how far it is behind the head, its quarantine.

    unowned: nobody drives it. failing: it takes nothing and says why. stuck: events wait and nothing has moved for
    a minute. behind: it moves, and its next event is older than ten seconds. Else it is healthy. Sinks that only
    the settings name and that have never run have no cursor.
    """
    if context.invoked_subcommand is not None:
        refuse_typed(context, ("as_json", "url", "token_file", "dsn", "data_dir", "config"))
        return
    from gatetrail.cli.output import flush, put_json

    opening = reader_of(context, url=url, token_file=token_file, dsn=dsn, data_dir=data_dir, config=config)
    found = within(_sinks(opening))
    if as_json:
        for sink in found:
            put_json(sink)
    elif found:
        _put_table(found)
    else:
        say("There is no sink. Name one under `sinks` in service.yaml, then: gatetrail serve --config service.yaml")
    flush()


def forget(
    name: SinkName,
    force: Force = False,
    as_json: Json = False,
    dsn: Dsn = None,
    data_dir: DataDir = None,
    config: Config = None,
) -> None:
    """Forget a sink that is gone: its position, its quarantine and its replays. Its events stay in the record.

    The record tells of it by an event, audit.gap. A sink that a process drives, or that the settings name, is kept.
    """
    from gatetrail.cli.output import flush, put_json, put_sentence
    from gatetrail.runtime.forgetting import forget_sink

    gone = within(forget_sink(database_of(config, dsn=dsn, data_dir=data_dir), name, force=force))
    if as_json:
        put_json(asdict(gone))
    else:
        put_sentence(
            f"sink {name} is forgotten: it stood at {gone.cursor_seq} of {gone.head_seq}, with"
            f" {gone.quarantined_count:,} events in quarantine and {gone.open_replay_count:,} open replays"
        )
    flush()


async def _sinks(opening: AbstractAsyncContextManager[Reader]) -> Sequence[dict[str, Any]]:
    async with opening as reader:
        return await reader.sinks()


def _put_table(found: Sequence[dict[str, Any]]) -> None:
    from gatetrail.cli.cells import Screen
    from gatetrail.cli.output import put_text
    from gatetrail.cli.sink_table import sink_lines

    for line in sink_lines(found, Screen()):
        put_text(line)
