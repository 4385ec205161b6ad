"""`gatetrail events`: the record, searched."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer

from gatetrail.cli.door import within
from gatetrail.cli.options import Config, DataDir, Dsn, settings_of
from gatetrail.cli.printing import Printed, Printer, printer_for
from gatetrail.cli.talk import say
from gatetrail.errors import WrongUse
from gatetrail.words import GateName

if TYPE_CHECKING:
    from gatetrail.events.search import EventFilter
    from gatetrail.runtime.records import Records
    from gatetrail.settings import ServiceSettings

DEFAULT_LIMIT = 50
MAX_LIMIT = 100_000
PAGE = 1_000

EXAMPLES = """Examples:

\b
  gatetrail events --since 1h --decision deny
  gatetrail events --user ann --tool 'export_*' --limit 200
  gatetrail events --event 'audit.*' --follow
  gatetrail events --since 2026-01-31T00:00:00Z --limit 0 --format json > january.jsonl
  gatetrail events --since 1d --decision deny --limit 0 --format ocsf > denials.jsonl
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
Server = Annotated[str | None, typer.Option(metavar="NAME", help="About this MCP server.")]
Tool = Annotated[str | None, typer.Option(metavar="GLOB", help="About tools of such a name; * and ? stand for others.")]
Gate = Annotated[GateName | None, typer.Option(help="Denied by this gate; none: denied by nobody.")]
Decision = Annotated[Verdict | None, typer.Option(help="Only what was allowed, or only what was denied.")]
Name = Annotated[
    str | None, typer.Option("--event", metavar="NAME", help="Only events of this name, or glob: tool_call.*")
]
Limit = Annotated[
    int, typer.Option(min=0, max=MAX_LIMIT, help="The newest so many; 0 for all, from the oldest on.", metavar="N")
]
Follow = Annotated[bool, typer.Option("--follow", "-f", help="Go on with new events as they come, until Ctrl-C.")]
Form = Annotated[
    Printed,
    typer.Option(
        "--format",
        help="json: the record's own lines, byte for byte. All but table: one line for each event.",
    ),
]


def events(  # noqa: PLR0913 -- one for each filter
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
    form: Form = Printed.TABLE,
    follow: Follow = False,
    dsn: Dsn = None,
    data_dir: DataDir = None,
    config: Config = None,
) -> None:
    """Search the record: who asked for what, and what the gates said. All filters given must fit."""
    from gatetrail.clock import SystemClock
    from gatetrail.events.asking import filter_of

    if follow and until is not None:
        raise WrongUse("--follow shows what comes, --until ends before it: give one of them")
    printer = printer_for(form)
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
    settings = settings_of(config, dsn=dsn, data_dir=data_dir)
    within(_print(settings, wanted, limit, printer, follow=follow))


async def _print(settings: ServiceSettings, wanted: EventFilter, limit: int, printer: Printer, *, follow: bool) -> None:
    from gatetrail.cli.follow import follow as go_on
    from gatetrail.runtime.records import open_records

    async with open_records(settings) as records:
        begun_at_seq = await records.head.seq()
        last_seq, count = await _existing(records, wanted, limit, printer)
        if follow:
            await go_on(records, wanted, max(begun_at_seq, last_seq), printer)
        elif not count:
            say("No event fits.")
        elif count == limit:
            say(f"The newest {limit}; there may be more: --limit N, or --limit 0 for all.")


async def _existing(records: Records, wanted: EventFilter, limit: int, printer: Printer) -> tuple[int, int]:
    """Print what is there; give the position of the last event, and how many there were."""
    if limit:
        entries = await records.search.newest(wanted, limit)
        printer.put(entries)
        return (entries[-1].seq if entries else 0), len(entries)
    position = count = 0
    while entries := await records.search.after(wanted, position, PAGE):
        printer.put(entries)
        position, count = entries[-1].seq, count + len(entries)
    return position, count
