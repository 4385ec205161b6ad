"""`gatetrail export`: the sinks in a process of their own."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Annotated

import typer

from gatetrail.cli.door import EndedBySignal, within
from gatetrail.cli.options import Config, DataDir, Dsn, Json, settings_of
from gatetrail.cli.talk import say
from gatetrail.errors import WrongUse

if TYPE_CHECKING:
    from gatetrail.settings import ServiceSettings

EXAMPLES = """Examples:

\b
  gatetrail export --config service.yaml
  gatetrail export --config service.yaml --once --deadline 5m && echo done
"""

ONCE_S = 60

Once = Annotated[
    bool, typer.Option("--once", help="Deliver what is recorded by now and end; exit 3 if that was not possible.")
]
Deadline = Annotated[
    str | None,
    typer.Option(
        metavar="DURATION",
        help=f"With --once: how long it may take ({ONCE_S}s if unsaid)."
        f" Otherwise: how long sinks go on after the end was asked for (drain_s of the settings).",
    ),
]


def export(
    once: Once = False,
    deadline: Deadline = None,
    as_json: Json = False,
    dsn: Dsn = None,
    data_dir: DataDir = None,
    config: Config = None,
) -> None:
    """Drive all sinks of the settings, without gates and without MCP, until Ctrl-C or SIGTERM.

    `serve` drives them itself unless told --no-sinks. Both at once is safe: each sink has one driver, and when
    that one ends or dies, the other takes over within seconds, where it was.
    """
    from gatetrail.cli.logs import log_to_stderr
    from gatetrail.cli.output import flush, put_json
    from gatetrail.times import duration_s

    if as_json and not once:
        raise WrongUse("--json is for --once: without it, nothing goes to stdout")
    limit_s = None if deadline is None else duration_s(deadline, "--deadline")
    settings = settings_of(config, dsn=dsn, data_dir=data_dir)
    log_to_stderr(settings.logs)
    if once:
        head_seq = within(_once(settings, ONCE_S if limit_s is None else limit_s))
        if as_json:
            put_json({"head_seq": head_seq})
            flush()
        say(f"Every sink has all events up to {head_seq}, or has put them into quarantine.")
        return
    with suppress(EndedBySignal):  # it ended in order, which is what was asked for
        within(_export(settings, settings.drain_s if limit_s is None else limit_s))


async def _once(settings: ServiceSettings, within_s: float) -> int:
    from gatetrail.runtime.exporting import export_once

    return await export_once(settings, within_s=within_s)


async def _export(settings: ServiceSettings, drain_s: float) -> None:
    from gatetrail.runtime.exporting import export as run_sinks

    await run_sinks(settings, drain_s=drain_s, say=say)
