"""`gatetrail sinks quarantine`, `resend` and `cancel`: what a sink would not take, and bringing it again."""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncGenerator, Iterable
from contextlib import aclosing
from typing import TYPE_CHECKING, Annotated, Any

import typer

from gatetrail.cli.completion import sink_names
from gatetrail.cli.door import NO, within
from gatetrail.cli.options import Config, DataDir, Dsn, Json, database_of
from gatetrail.cli.talk import say
from gatetrail.errors import WrongUse

if TYPE_CHECKING:
    from gatetrail.cli.cells import Screen
    from gatetrail.delivery.replay import PutAside
    from gatetrail.runtime.records import Records
    from gatetrail.settings import ServiceSettings

SHOW_EXAMPLES = """Examples:

\b
  gatetrail sinks quarantine
  gatetrail sinks quarantine --sink siem --json
"""
RESEND_EXAMPLES = """Examples:

\b
  gatetrail sinks resend --sink siem --seq 3 --seq 4
  gatetrail sinks resend --sink siem --all --no-wait
"""
CANCEL_EXAMPLES = """Examples:

\b
  gatetrail sinks cancel 7
"""

PAGE = 1_000

AnySink = Annotated[
    str | None, typer.Option("--sink", metavar="NAME", help="Only of this sink.", autocompletion=sink_names)
]
SinkName = Annotated[str, typer.Option("--sink", metavar="NAME", help="Which sink.", autocompletion=sink_names)]
Seqs = Annotated[
    list[int] | None, typer.Option("--seq", metavar="N", min=1, help="The event at this position; may be repeated.")
]
All = Annotated[bool, typer.Option("--all", help="Everything that stands in its quarantine now.")]
NoWait = Annotated[bool, typer.Option("--no-wait", help="Only ask for it; whoever drives the sink does it.")]
ReplayId = Annotated[int, typer.Argument(metavar="REPLAY", help="Its number, as it was told when it was asked for.")]


def show(
    sink: AnySink = None, as_json: Json = False, dsn: Dsn = None, data_dir: DataDir = None, config: Config = None
) -> None:
    """List the events that sinks would not take and have not got since, each with the reason and its line."""
    within(_show(database_of(config, dsn=dsn, data_dir=data_dir), sink, as_json=as_json))


def resend(
    sink: SinkName,
    seqs: Seqs = None,
    everything: All = False,
    no_wait: NoWait = False,
    as_json: Json = False,
    dsn: Dsn = None,
    data_dir: DataDir = None,
    config: Config = None,
) -> None:
    """Bring events in quarantine to their sink once more. Those that it takes now leave the quarantine.

    What an earlier request is still bringing stays with that one, and its number is told.
    The process that drives the sink does it; when none does, this command does, if the settings name the sink.
    Exit 1: some were refused again.
    """
    if bool(seqs) == everything:
        raise WrongUse("give either --seq N, as often as there are events, or --all")
    settings = database_of(config, dsn=dsn, data_dir=data_dir)
    within(_resend(settings, sink, seqs or None, wait=not no_wait, as_json=as_json))


def cancel(
    replay_id: ReplayId, as_json: Json = False, dsn: Dsn = None, data_dir: DataDir = None, config: Config = None
) -> None:
    """End a replay before its time. What it has delivered stays delivered. Exit 1: there was nothing to end."""
    from gatetrail.cli.output import flush, put_json

    cancelled = within(_cancel(database_of(config, dsn=dsn, data_dir=data_dir), replay_id))
    if as_json:
        put_json({"replay_id": replay_id, "cancelled": cancelled})
        flush()
    if not cancelled:
        say(f"Replay {replay_id} is over already, or there is none of that number.")
        raise typer.Exit(NO)
    say(f"Replay {replay_id} is cancelled.")


async def _show(settings: ServiceSettings, sink: str | None, *, as_json: bool) -> None:
    from gatetrail.cli.cells import Screen
    from gatetrail.cli.output import flush, put_json, put_text
    from gatetrail.runtime.records import open_records
    from gatetrail.runtime.replays import sink_of

    count, screen = 0, Screen()
    async with open_records(settings) as records:
        if sink is not None:
            await sink_of(records, settings, sink)
        async with aclosing(_pages(records, sink)) as found:
            async for one in found:
                count += 1
                put_json(_as_json(one)) if as_json else put_text(_as_text(one, screen))
    flush()
    if not count:
        say("Nothing is in quarantine.")


async def _pages(records: Records, sink: str | None) -> AsyncGenerator[PutAside]:
    after = ("", 0)
    while page := await records.replays.put_aside(sink, after, PAGE):
        for one in page:
            yield one
        after = (page[-1].sink_name, page[-1].seq)


async def _resend(settings: ServiceSettings, sink: str, seqs: list[int] | None, *, wait: bool, as_json: bool) -> None:
    from dataclasses import asdict

    from gatetrail.cli.output import flush, put_json, put_sentence
    from gatetrail.cli.waiting import wait_for
    from gatetrail.runtime.records import open_records
    from gatetrail.runtime.replays import require_driver, sink_of

    async with open_records(settings) as records:
        state = await sink_of(records, settings, sink)
        if wait:
            require_driver(settings, sink, state)
        brought_by = {one.seq: one.replay_id async for one in _pages(records, sink)}
        wanted = _wanted(sink, brought_by, seqs)
        asked = await records.replays.resend(sink, seqs)
        busy = Counter(replay_id for seq in wanted if (replay_id := brought_by[seq]) is not None)
        for replay_id, count in sorted(busy.items()):
            say(f"Replay {replay_id} brings {count:,} of them already.")
        count = len(wanted) - busy.total()
        if asked is None:
            if not busy:
                say("Nothing is in quarantine.")
        elif wait:
            await wait_for(settings, records, asked, count, as_json=as_json)
        else:
            text = f"sink {sink}: replay {asked.replay_id} is asked for: {count:,} events of its quarantine"
            put_json(asdict(asked)) if as_json else put_sentence(text)
            flush()


def _wanted(sink: str, there: Iterable[int], seqs: list[int] | None) -> set[int]:
    if seqs is None:
        return {*there}
    if unknown := {*seqs}.difference(there):
        raise WrongUse(f"--seq {min(unknown)}: this event is not in the quarantine of sink {sink}")
    return {*seqs}


async def _cancel(settings: ServiceSettings, replay_id: int) -> bool:
    from gatetrail.runtime.records import open_records

    async with open_records(settings) as records:
        return await records.replays.cancel(replay_id)


def _as_json(one: PutAside) -> dict[str, Any]:
    return {
        "sink_name": one.sink_name,
        "seq": one.seq,
        "event_name": one.event_name,
        "reason": one.reason,
        "quarantined_at": one.quarantined_at,
        "replay_id": one.replay_id,
        "line": one.line.decode(errors="replace"),
    }


def _as_text(one: PutAside, screen: Screen) -> str:
    from gatetrail.cli.cells import Cell

    asked = f" (replay {one.replay_id} brings it again)" if one.replay_id is not None else ""
    head = f"sink {one.sink_name}, seq {one.seq}, {one.event_name}, since {one.quarantined_at}{asked}: {one.reason}"
    line = Cell(one.line.decode(errors="replace"), max(screen.width - 2, 0))
    return "\n".join([*screen.folded(head), screen.line([Cell("", 1), line])])
