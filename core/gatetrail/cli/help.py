"""`gatetrail help`: the same as `--help` behind a command."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from gatetrail.errors import WrongUse

EXAMPLES = """Examples:

\b
  gatetrail help events
  gatetrail help sinks resend
"""

Words = Annotated[list[str] | None, typer.Argument(metavar="COMMAND...", help="Which command; all if unsaid.")]


def show_help(context: typer.Context, words: Words = None) -> None:
    """Tell how a command is used."""
    found: Any = context.parent
    for word in words or ():
        commands: dict[str, Any] = getattr(found.command, "commands", {})
        if word not in commands:
            known = f"there are {', '.join(commands)}" if commands else "it has none"
            raise WrongUse(f"{found.command_path} has no command {word!r}; {known}")
        found = found.command.context_class(commands[word], info_name=word, parent=found, **_settings(commands[word]))
    typer.echo(found.get_help())


def _settings(command: Any) -> dict[str, Any]:
    return dict(command.context_settings)
