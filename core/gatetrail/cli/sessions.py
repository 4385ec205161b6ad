"""`gatetrail sessions`: who is in, since when, and the end of one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Any

import typer

from gatetrail.cli.door import NO, within
from gatetrail.cli.options import Config, DataDir, Dsn, Json, database_of
from gatetrail.cli.talk import say
from gatetrail.errors import WrongUse

if TYPE_CHECKING:
    from gatetrail.sessions import SessionRow
    from gatetrail.settings import ServiceSettings

EXAMPLES = """Examples:

\b
  gatetrail sessions
  gatetrail sessions --user ann@example.com --json
  gatetrail sessions --end 6f2d9c1b4a8e4c0f9d7e5a3b1c2d4e6f
"""

User = Annotated[str | None, typer.Option("--user", metavar="USER", help="Only of this user.")]
End = Annotated[str | None, typer.Option("--end", metavar="SESSION_ID", help="End this session, in every process.")]
Limit = Annotated[int, typer.Option("--limit", metavar="N", min=1, max=100_000, help="How many, the last used first.")]


def sessions(
    user: User = None,
    end: End = None,
    limit: Limit = 100,
    as_json: Json = False,
    dsn: Dsn = None,
    data_dir: DataDir = None,
    config: Config = None,
) -> None:
    """Show sessions, the last used first: whose they are, what they can reach at most, and which client uses them.

    With --end, end one for good: running processes let go of it within a second, and its client has to open another.
    Exit 1: no session of that id is open.
    """
    settings = database_of(config, dsn=dsn, data_dir=data_dir)
    if end is not None:
        if user is not None:
            raise WrongUse("--end names one session: leave --user out")
        _end(settings, end, as_json=as_json)
        return
    from gatetrail.runtime.ending import newest_sessions

    _put(within(newest_sessions(settings, user, limit)), as_json=as_json)


def _end(settings: ServiceSettings, session_id: str, *, as_json: bool) -> None:
    from gatetrail.cli.output import flush, put_json
    from gatetrail.runtime.ending import end_session

    ended = within(end_session(settings, session_id))
    if as_json:
        put_json({"session_id": session_id, "ended": ended})
        flush()
    if not ended:
        say("No session of that id is open.")
        raise typer.Exit(NO)
    say("The session has ended.")


def _put(rows: Sequence[SessionRow], *, as_json: bool) -> None:
    from gatetrail.cli.cells import Screen
    from gatetrail.cli.output import flush, put_json, put_text
    from gatetrail.cli.session_table import session_lines

    if as_json:
        for row in rows:
            put_json(_keys(row))
    elif rows:
        for line in session_lines([_keys(row) for row in rows], Screen()):
            put_text(line)
    else:
        say("There is no session.")
    flush()


def _keys(row: SessionRow) -> dict[str, Any]:
    session, handshake = row.session, row.session.handshake
    return {
        "session_id": session.session_id,
        "state": "open" if row.ended_at is None else "ended",
        "user_id": session.user_id,
        "session_tier": session.tier.value,
        "department": session.department,
        "client_id": session.client_id,
        "client_name": None if handshake is None else handshake.client_name,
        "server_name": None if handshake is None else handshake.server_name,
        "opened_at": row.opened_at,
        "last_used_at": row.last_used_at,
        "ended_at": row.ended_at,
        "reason": session.ended_because,
    }
