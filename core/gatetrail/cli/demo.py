"""`gatetrail demo`: the gates at work on real traffic."""

from __future__ import annotations

from typing import Annotated

import typer

from gatetrail.cli.door import within
from gatetrail.cli.options import DataDir, Dsn, settings_of

EXAMPLES = """Examples:

\b
  gatetrail demo
  gatetrail demo --once --calls 200 --json
"""


def demo(
    once: Annotated[bool, typer.Option("--once", help="End after the show; else the service goes on running.")] = False,
    calls: Annotated[int, typer.Option(min=1, max=1_000_000, metavar="N", help="How many tool calls.")] = 200,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object on stdout and nothing else.")] = False,
    dsn: Dsn = None,
    data_dir: DataDir = None,
) -> None:
    """Show every gate on real MCP traffic: two sample servers, eight callers, a table of what happened."""
    from gatetrail.cli.logs import log_to_stderr
    from gatetrail.demo import run_demo

    settings = settings_of(None, dsn=dsn, data_dir=data_dir)
    log_to_stderr()
    code = within(run_demo(settings, once=once, calls=calls, json_output=as_json))
    if code:
        raise typer.Exit(code)
