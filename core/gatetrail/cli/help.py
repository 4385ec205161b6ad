"""`gatetrail help`: the same as `--help` behind a command."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any

import typer

from gatetrail.errors import WrongUse

EXAMPLES = """Examples:

\b
  gatetrail help events
  gatetrail help sinks resend
"""

Words = Annotated[list[str] | None, typer.Argument(metavar="COMMAND", help="Which command; all if unsaid.")]


def show_help(context: typer.Context, words: Words = None) -> None:
    """Tell how a command is used."""
    found: Any = context.parent
    for word in words or ():
        found = context_of(found, word)
    typer.echo(found.get_help())


def context_of(parent: Any, name: str) -> Any:
    """The context that one of a group's commands runs in, which knows its help. Raises `WrongUse`."""
    commands: dict[str, Any] = getattr(parent.command, "commands", {})
    if name not in commands:
        known = f"there are {', '.join(names_in(parent))}" if commands else "it has none"
        raise WrongUse(f"{parent.command_path} has no command {name!r}; {known}")
    command = commands[name]
    return command.context_class(command, info_name=name, parent=parent, **command.context_settings)


def names_in(context: Any) -> Sequence[str]:
    """The commands of a group, in the order of its help; none for a command that is no group."""
    if not hasattr(context.command, "commands"):
        return ()
    return [name for name in context.command.list_commands(context) if not context.command.commands[name].hidden]
