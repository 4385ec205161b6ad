"""`gatetrail verify`: is the record what was recorded?"""

from __future__ import annotations

import sys
from dataclasses import asdict
from typing import TYPE_CHECKING, Any, assert_never

import typer

from gatetrail.cli.door import NO, within
from gatetrail.cli.options import Config, DataDir, Dsn, Json, database_of
from gatetrail.cli.talk import say
from gatetrail.errors import DatabaseUnavailable

if TYPE_CHECKING:
    from gatetrail.events.verification import Broken, Verification, Verifications
    from gatetrail.settings import ServiceSettings

EXAMPLES = """Examples:

\b
  gatetrail verify && echo untouched
  gatetrail verify --json
"""


def verify(as_json: Json = False, dsn: Dsn = None, data_dir: DataDir = None, config: Config = None) -> None:
    """Recompute the whole record and note the result. Exit 0: intact; 1: not, and the first bad row is named.

    One who may only read can check, too; the result is not noted then.
    """
    from gatetrail.cli.output import flush, put_json, put_sentence
    from gatetrail.events.verification import Intact

    found = within(_verify(database_of(config, dsn=dsn, data_dir=data_dir)))
    intact = isinstance(found, Intact)
    if as_json:
        put_json(_as_json(found))
    else:
        put_sentence(_as_text(found))
    flush()
    if not intact:
        raise typer.Exit(NO)


async def _verify(settings: ServiceSettings) -> Verification:
    from gatetrail.runtime.records import open_records

    progress = _Progress()
    async with open_records(settings) as records:
        found = await records.verifier.verify(progress)
        progress.clear()
        await _note(records.verifications, found)
    return found


async def _note(verifications: Verifications, found: Verification) -> None:
    """What was found is told, whether or not it can be noted."""
    try:
        noted = await verifications.note(found)
    except DatabaseUnavailable as problem:
        say(f"the result was not noted: {problem}")
    else:
        if not noted:
            say("the result was not noted: this connection may only read")


class _Progress:
    """A counter on stderr, where somebody looks at it."""

    def __init__(self) -> None:
        self._shown = sys.stderr.isatty()

    def __call__(self, checked: int) -> None:
        if self._shown:
            sys.stderr.write(f"\r{checked:,} events checked")
            sys.stderr.flush()

    def clear(self) -> None:
        if self._shown:
            sys.stderr.write("\r\x1b[K")
            sys.stderr.flush()


def _as_json(found: Verification) -> dict[str, Any]:
    from gatetrail.events.verification import Intact

    return {"intact": isinstance(found, Intact), **asdict(found)}


def _as_text(found: Verification) -> str:
    from gatetrail.events.verification import Broken, Intact

    match found:
        case Intact():
            counted = f"{found.events:,} events and {found.executions:,} executions"
            return f"intact: {counted}; the head is seq {found.head_seq} with hash {found.head_hash}"
        case Broken():
            return f"broken at {_place_of(found)}: {found.flaw.value}: {found.detail}"
        case _:
            assert_never(found)


def _place_of(found: Broken) -> str:
    seq = f"seq {found.seq}" if found.seq is not None else ""
    execution = f"execution {found.execution_id}" if found.execution_id is not None else ""
    return ", ".join(part for part in (seq, execution) if part)
