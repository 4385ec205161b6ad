"""`gatetrail hook`: an agent's report, brought to the service."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import typer

from gatetrail.cli.agent_hook import EVENTS, TIMEOUT_S
from gatetrail.cli.options import TokenFile, Url
from gatetrail.errors import WrongUse

EXAMPLES = """Examples:

\b
  gatetrail hook --settings command > settings.json
  gatetrail hook --settings http --url https://gatetrail.example
  gatetrail hook PreToolUse --url http://127.0.0.1:8080 < payload.json
"""

DEFAULT_URL = "http://127.0.0.1:8080"


class Form(StrEnum):
    """How an agent can report."""

    COMMAND = "command"
    HTTP = "http"


def _events(incomplete: str) -> list[str]:
    return [event for event in EVENTS if event.startswith(incomplete)]


Event = Annotated[
    str | None,
    typer.Argument(
        metavar="[EVENT]", help="PreToolUse, or another of Claude Code's ten moments.", autocompletion=_events
    ),
]
Settings = Annotated[
    Form | None,
    typer.Option(
        help="Print what belongs into Claude Code's settings.json: hooks that run this command, or ask over HTTP."
    ),
]
Timeout = Annotated[float, typer.Option(min=0.1, max=600, metavar="SECONDS", help="For all of it.")]


def hook(
    *,
    event: Event = None,
    settings: Settings = None,
    url: Url = None,
    token_file: TokenFile = None,
    timeout: Timeout = TIMEOUT_S,
) -> None:
    """Bring one report of Claude Code, on stdin, to the service, and print the answer for it.

    Without an answer PreToolUse ends with exit code 2, by which the agent does not use the tool. Of all other moments
    there is a warning then, and exit code 0.
    """
    if settings is not None:
        _print_settings(settings, event, url, token_file)
        return
    if event not in EVENTS:
        raise WrongUse(f"EVENT: expected one of {', '.join(EVENTS)}")
    from gatetrail.cli.agent_hook import report

    raise typer.Exit(report(event, url=url, token_file=token_file, timeout_s=timeout))


def _print_settings(form: Form, event: str | None, url: Url, token_file: TokenFile) -> None:
    from gatetrail.cli.hook_settings import command_settings, http_settings, text_of
    from gatetrail.cli.output import flush, put_text

    if event is not None:
        raise WrongUse("--settings is for all moments: leave EVENT out")
    told = command_settings(url, token_file) if form is Form.COMMAND else http_settings(url or DEFAULT_URL)
    put_text(text_of(told))
    flush()
