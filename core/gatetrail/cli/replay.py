"""`gatetrail replay`: events that a sink is to get once more."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Any

import typer

from gatetrail.cli.completion import sink_names
from gatetrail.cli.door import within
from gatetrail.cli.options import Config, DataDir, Dsn, Json, database_of
from gatetrail.cli.talk import say, warn

if TYPE_CHECKING:
    from gatetrail.delivery.sink import CursorState
    from gatetrail.runtime.replays import Place, Span
    from gatetrail.settings import ServiceSettings

EXAMPLES = """Examples:

\b
  gatetrail replay --sink siem --from 2h --dry-run
  gatetrail replay --sink siem --from 2026-01-31T08:00:00Z --to 2h
  gatetrail replay --sink siem --from 1 --to 5000 --no-wait
"""

_PLACES = "a position (seq), a time (RFC 3339), or 15m, 2h, 3d (that long ago)"

SinkName = Annotated[
    str,
    typer.Option(
        "--sink", metavar="NAME", help="Which sink, as `gatetrail sinks` names it.", autocompletion=sink_names
    ),
]
First = Annotated[str, typer.Option("--from", metavar="X", help=f"Where to begin: {_PLACES}.")]
Last = Annotated[str | None, typer.Option("--to", metavar="Y", help="Where to end, in the same words; now if unsaid.")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Only count the events, and say what would happen.")]
NoWait = Annotated[bool, typer.Option("--no-wait", help="Only ask for it; whoever drives the sink does it.")]


def replay(  # noqa: PLR0913 -- one for each option
    *,
    sink: SinkName,
    first: First,
    last: Last = None,
    dry_run: DryRun = False,
    no_wait: NoWait = False,
    as_json: Json = False,
    dsn: Dsn = None,
    data_dir: DataDir = None,
    config: Config = None,
) -> None:
    """Bring a range of events to a sink once more, in order, beside what is live.

    The process that drives the sink does it; when none does, this command does, if the settings name the sink.
    A replay outlives the command. Exit 1: it is over, and some of its events were refused and put into quarantine.
    """
    from gatetrail.clock import SystemClock
    from gatetrail.times import place

    now_us = SystemClock().now_us()
    begin = place(first, "--from", now_us)
    end = None if last is None else place(last, "--to", now_us)
    settings = database_of(config, dsn=dsn, data_dir=data_dir)
    if dry_run:
        within(_dry_run(settings, sink, begin, end, as_json=as_json))
    else:
        within(_replay(settings, sink, begin, end, wait=not no_wait, as_json=as_json))


async def _dry_run(settings: ServiceSettings, sink: str, begin: Place, end: Place | None, *, as_json: bool) -> None:
    from gatetrail.cli.output import flush, put_json, put_sentence
    from gatetrail.runtime.records import open_records
    from gatetrail.runtime.replays import sink_of, span_of

    async with open_records(settings) as records:
        state = await sink_of(records, settings, sink)
        span = await span_of(records, begin, end)
    owned = state is not None and state.owned
    if as_json:
        put_json(_span_as_json(sink, span, dry_run=True, owned=owned))
    else:
        put_sentence(f"sink {sink}: would get {_in_words(span)}, from {_driver(settings, sink, owned=owned)}")
    flush()
    _tell_missing(span)


async def _replay(
    settings: ServiceSettings, sink: str, begin: Place, end: Place | None, *, wait: bool, as_json: bool
) -> None:
    from gatetrail.cli.output import flush, put_json, put_sentence
    from gatetrail.cli.waiting import wait_for
    from gatetrail.runtime.records import open_records
    from gatetrail.runtime.replays import require_driver, sink_of, span_of

    async with open_records(settings) as records:
        state = await sink_of(records, settings, sink)
        if wait:
            require_driver(settings, sink, state)
        span = await span_of(records, begin, end)
        if span.is_empty:
            if as_json:
                put_json(_span_as_json(sink, span, dry_run=False, owned=state is not None and state.owned))
                flush()
            say("No event lies in that range.")
            return
        _tell_missing(span)
        asked = await records.replays.request(sink, span.first_seq, span.last_seq)
        if wait:
            await wait_for(settings, records, asked, span.extent.event_count, as_json=as_json)
            return
        if as_json:
            put_json(asdict(asked))
        else:
            put_sentence(f"sink {sink}: replay {asked.replay_id} is asked for: {_in_words(span)}")
        flush()
        if not _is_owned(state):
            say("Nobody drives the sink now: the replay begins when somebody does.")


def _is_owned(state: CursorState | None) -> bool:
    return state is not None and state.owned


def _driver(settings: ServiceSettings, sink: str, *, owned: bool) -> str:
    if owned:
        return "the process that drives it now"
    if sink in settings.sinks:
        return "this command, since nobody drives it now"
    return "nobody: no process drives it now, and the settings do not name it"


def _tell_missing(span: Span) -> None:
    if span.missing_count:
        warn(f"{span.missing_count:,} events of this range are not in the journal any more")


def _in_words(span: Span) -> str:
    if span.is_empty:
        return "no event"
    extent = span.extent
    return (
        f"{extent.event_count:,} events again, seq {span.first_seq} to {span.last_seq},"
        f" recorded {extent.first_at} to {extent.last_at}"
    )


def _span_as_json(sink: str, span: Span, *, dry_run: bool, owned: bool) -> dict[str, Any]:
    return {
        "sink_name": sink,
        "dry_run": dry_run,
        "first_seq": span.first_seq,
        "last_seq": span.last_seq,
        **asdict(span.extent),
        "missing_count": span.missing_count,
        "driven": owned,
    }
