"""`gatetrail serve`: the service."""

from __future__ import annotations

import os
import shlex
import signal
import sys
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Annotated

import typer

from gatetrail.cli.door import EndedBySignal, within
from gatetrail.cli.options import Config, DataDir, Dsn, PolicyFile, ShadowPolicy, settings_of

EXAMPLES = """Examples:

\b
  gatetrail serve
  gatetrail serve --workers 4
  gatetrail serve --policy policy.yaml --config service.yaml
  gatetrail serve --policy policy.yaml --shadow-policy policy.next.yaml
  gatetrail serve --host 0.0.0.0 --port 8443
"""

Host = Annotated[
    str | None, typer.Option(envvar="GATETRAIL_HOST", metavar="ADDRESS", help="Where to listen; 127.0.0.1 if unsaid.")
]
Port = Annotated[
    int | None,
    typer.Option(
        envvar="GATETRAIL_PORT", min=0, max=65_535, metavar="N", help="8080 if unsaid; 0 takes any free port."
    ),
]
Workers = Annotated[
    int | None,
    typer.Option(
        envvar="GATETRAIL_WORKERS", min=1, max=256, metavar="N", help="Processes that answer on the port; 1 if unsaid."
    ),
]


def serve(  # noqa: PLR0913 -- one for each option
    *,
    policy: PolicyFile = None,
    shadow_policy: ShadowPolicy = None,
    config: Config = None,
    host: Host = None,
    port: Port = None,
    workers: Workers = None,
    no_sinks: Annotated[bool, typer.Option("--no-sinks", help="Leave the sinks to another process.")] = False,
    dsn: Dsn = None,
    data_dir: DataDir = None,
) -> None:
    """Serve MCP behind the gates at /mcp/SERVER, until Ctrl-C or SIGTERM; the end is in order and exit 0.

    A second Ctrl-C cuts short what the end is waiting for. A socket that systemd hands over is served instead of
    --host and --port. Without files: the sample policy, its two sample servers, and an embedded PostgreSQL.
    """
    chosen = {"policy": policy, "policy_shadow": shadow_policy}
    settings = settings_of(config, **chosen, host=host, port=port, workers=workers, dsn=dsn, data_dir=data_dir)
    from gatetrail.cli.logs import log_to_stderr, tellers
    from gatetrail.cli.worker import COMMAND
    from gatetrail.runtime.processes.attendance import Talk
    from gatetrail.runtime.processes.serve import serve as run_service

    log_to_stderr(settings.logs)
    say, warn = tellers(settings.logs)
    options = {"--policy": policy, "--config": config, "--data-dir": data_dir}
    talk = Talk(say, warn, say, _mint_hint(options))
    reloads = not sys.stderr.isatty()  # in a terminal that closes, the service ends with it
    if reloads:
        signal.signal(signal.SIGHUP, _too_early)
    with suppress(EndedBySignal):  # it ended in order, which is what was asked for
        within(
            run_service(
                settings, sinks=not no_sinks, talk=talk, environment=os.environ, worker=COMMAND, reloads=reloads
            )
        )


def _too_early(_number: int, _frame: object) -> None:
    """SIGHUP has the policy file read anew, once it was read for the first time."""


def _mint_hint(options: Mapping[str, Path | None]) -> str:
    """The command for a token that this service takes."""
    given = [part for option, value in options.items() if value is not None for part in (option, str(value))]
    return shlex.join(["gatetrail", "token", "mint", "--user", "ann", "--tier", "user", *given])
