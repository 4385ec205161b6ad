"""Where commands read the record from: the database itself, or a service that is asked over HTTP."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import typer

from gatetrail.errors import WrongUse

if TYPE_CHECKING:
    from gatetrail.events.journal import Entry
    from gatetrail.events.search import EventFilter, Search

DATABASE_OPTIONS = {"dsn": "--dsn", "data_dir": "--data-dir", "config": "--config"}


class Reader(Protocol):
    """The record, as far as somebody who asks may see it. All but `coming` raise `Unavailable` when it is away."""

    @property
    def search(self) -> Search:
        """Questions about what is there."""
        ...

    async def head_seq(self) -> int:
        """The position of the newest event, whoever may see it; 0 when there is none."""
        ...

    def coming(self, wanted: EventFilter, after_seq: int) -> AsyncGenerator[Sequence[Entry]]:
        """What fits behind a position, and then what comes, each event once and in order, for ever.

        Waits out whatever is away, and says so once on stderr.
        """
        ...

    async def sinks(self) -> Sequence[dict[str, Any]]:
        """All sinks, those that only the settings name among them, in the keys of `gatetrail sinks --json`."""
        ...


def reader_of(
    context: typer.Context,
    *,
    url: str | None,
    token_file: Path | None,
    dsn: str | None,
    data_dir: Path | None,
    config: Path | None,
) -> AbstractAsyncContextManager[Reader]:
    """The reader that the options ask for, to be opened. What is typed goes over what the environment says.

    Raises `WrongUse` when both places are typed, and `SettingsInvalid`.
    """
    typed = [option for name, option in DATABASE_OPTIONS.items() if _is_typed(context, name)]
    if typed and _is_typed(context, "url"):
        raise WrongUse(f"--url asks a service, {typed[0]} a database: give one of them")
    if url is not None and not typed:
        from gatetrail.cli.remote import open_remote
        from gatetrail.cli.remote_address import address_of

        return open_remote(address_of(url, token_file))
    if _is_typed(context, "token_file"):
        raise WrongUse("--token-file is for a service: give --url as well")
    from gatetrail.cli.direct import open_direct
    from gatetrail.cli.options import settings_of

    return open_direct(settings_of(config, dsn=dsn, data_dir=data_dir))


def refuse_typed(context: typer.Context, names: Sequence[str]) -> None:
    """Raises `WrongUse` for options of a group that stand before one of its commands, where nothing heeds them."""
    for name in names:
        if _is_typed(context, name):
            option = "--json" if name == "as_json" else f"--{name.replace('_', '-')}"
            path = f"{context.command_path} {context.invoked_subcommand}"
            raise WrongUse(f"{option} stands behind the whole command: {path} {option}")


def _is_typed(context: typer.Context, name: str) -> bool:
    source = context.get_parameter_source(name)
    return source is not None and source.name == "COMMANDLINE"
