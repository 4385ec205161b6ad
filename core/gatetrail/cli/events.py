"""`gatetrail events`: the record, searched."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer

from gatetrail.cli.completion import event_names, server_names
from gatetrail.cli.door import within
from gatetrail.cli.options import Config, DataDir, Dsn, Json, TokenFile, Url
from gatetrail.cli.printing import Printed, Printer, printer_for
from gatetrail.cli.reader import reader_of
from gatetrail.cli.talk import say
from gatetrail.errors import WrongUse
from gatetrail.words import GateName

if TYPE_CHECKING:
    from contextlib import AbstractAsyncContextManager

    from gatetrail.cli.reader import Reader
    from gatetrail.events.search import EventFilter

DEFAULT_LIMIT = 50
MAX_LIMIT = 100_000
PAGE = 1_000

EXAMPLES = """Examples:

\b
  gatetrail events --since 1h --decision deny
  gatetrail events --user ann --tool 'export_*' --limit 200
  gatetrail events --event 'audit.*' --follow
  gatetrail events --url https://gatetrail.example --token-file ann.jwt -f
  gatetrail events --since 2026-01-31T00:00:00Z --limit 0 --json > all.jsonl
  gatetrail events --since 1d --limit 0 --format ocsf > yesterday.jsonl
"""


class Verdict(StrEnum):
    """What a decision can be."""

    ALLOW = "allow"
    DENY = "deny"


Since = Annotated[str | None, typer.Option(metavar="T", help="At or after: 15m, 1h, 2d (that long ago), or RFC 3339.")]
Until = Annotated[str | None, typer.Option(metavar="T", help="Before: in the same words.")]
User = Annotated[str | None, typer.Option(metavar="ID", help="Of this user.")]
Session = Annotated[str | None, typer.Option(metavar="ID", help="Of this session.")]
Trace = Annotated[str | None, typer.Option(metavar="ID", help="Of this trace: 32 hex digits.")]
Client = Annotated[str | None, typer.Option(metavar="ID", help="Of this client.")]
Server = Annotated[str | None, typer.Option(metavar="NAME", help="About this MCP server.", autocompletion=server_names)]
Tool = Annotated[str | None, typer.Option(metavar="GLOB", help="About tools of such a name; * and ? stand for others.")]
Gate = Annotated[GateName | None, typer.Option(help="Denied by this gate; none: denied by nobody.")]
Decision = Annotated[Verdict | None, typer.Option(help="Only what was allowed, or only what was denied.")]
Name = Annotated[
    str | None,
    typer.Option(
        "--event",
        metavar="NAME",
        help="Only events of this name, or glob: tool_call.*",
        autocompletion=event_names,
    ),
]
Limit = Annotated[
    int, typer.Option(min=0, max=MAX_LIMIT, help="The newest so many; 0 for all, from the oldest on.", metavar="N")
]
Follow = Annotated[bool, typer.Option("--follow", "-f", help="Go on with new events as they come, until Ctrl-C.")]
Form = Annotated[
    Printed | None,
    typer.Option(
        "--format",
        help="table, if unsaid, is for people. json: the record's own lines. All but table: one line for each event.",
    ),
]


def events(  # noqa: PLR0913 -- one for each filter
    context: typer.Context,
    *,
    since: Since = None,
    until: Until = None,
    user: User = None,
    session: Session = None,
    trace: Trace = None,
    client: Client = None,
    server: Server = None,
    tool: Tool = None,
    gate: Gate = None,
    decision: Decision = None,
    event: Name = None,
    limit: Limit = DEFAULT_LIMIT,
    form: Form = None,
    as_json: Json = False,
    follow: Follow = False,
    url: Url = None,
    token_file: TokenFile = None,
    dsn: Dsn = None,
    data_dir: DataDir = None,
    config: Config = None,
) -> None:
    """Search the record: who asked for what, and what the gates said. All filters given must fit."""
    from gatetrail.clock import SystemClock
    from gatetrail.events.asking import filter_of

    if follow and until is not None:
        raise WrongUse("--follow shows what comes, --until ends before it: give one of them")
    printer = printer_for(_chosen(form, as_json=as_json))
    words = {
        "since": since,
        "until": until,
        "user": user,
        "session": session,
        "trace": trace,
        "client": client,
        "server": server,
        "tool": tool,
        "gate": gate.value if gate else None,
        "decision": decision.value if decision else None,
        "event": event,
    }
    wanted = filter_of(words, SystemClock().now_us(), called="--{}".format)
    opening = reader_of(context, url=url, token_file=token_file, dsn=dsn, data_dir=data_dir, config=config)
    within(_print(opening, wanted, limit, printer, follow=follow))


def _chosen(form: Printed | None, *, as_json: bool) -> Printed:
    if not as_json:
        return form or Printed.TABLE
    if form not in (None, Printed.JSON):
        raise WrongUse(f"--json is --format json: it cannot be --format {form} as well")
    return Printed.JSON


async def _print(
    opening: AbstractAsyncContextManager[Reader], wanted: EventFilter, limit: int, printer: Printer, *, follow: bool
) -> None:
    from gatetrail.cli.follow import follow as go_on

    async with opening as reader:
        head_seq = await reader.head_seq() if follow else None
        last_seq, count = await _existing(reader, wanted, limit, printer, head_seq)
        if head_seq is not None:
            await go_on(reader, wanted, max(head_seq, last_seq), printer)
        elif not count:
            say("No event fits.")
        elif count == limit:
            say(f"The newest {limit}; there may be more: --limit N, or --limit 0 for all.")


async def _existing(
    reader: Reader, wanted: EventFilter, limit: int, printer: Printer, head_seq: int | None
) -> tuple[int, int]:
    """Print what is there, up to the head if one is given; give the position of the last, and how many there were."""
    if limit:
        entries = await reader.search.newest(wanted, limit, None if head_seq is None else head_seq + 1)
        printer.put(entries)
        return (entries[-1].seq if entries else 0), len(entries)
    position = count = 0
    while entries := await reader.search.after(wanted, position, PAGE):
        printer.put(entries)
        position, count = entries[-1].seq, count + len(entries)
    return position, count
