"""`gatetrail schema`: the JSON Schemas of every event, their union, policy file and service file."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from gatetrail.cli.door import NO
from gatetrail.cli.options import Json
from gatetrail.cli.talk import say
from gatetrail.errors import WrongUse

EXAMPLES = """Examples:

\b
  gatetrail schema export
  gatetrail schema check
"""
EXPORT_EXAMPLES = """Examples:

\b
  gatetrail schema export
  gatetrail schema export build/schemas
"""
CHECK_EXAMPLES = """Examples:

\b
  gatetrail schema check
  gatetrail schema check --json
"""

Folder = Annotated[Path, typer.Argument(metavar="FOLDER", help="Where to write; is made when it is missing.")]


def export(folder: Folder = Path("schemas/v1"), as_json: Json = False) -> None:
    """Write the schemas into a folder, one for each event in its `events/`, and print their paths."""
    from gatetrail.cli.output import flush, put_json, put_text
    from gatetrail.runtime.schema import shipped

    try:
        shipped.export(folder)
    except OSError as problem:
        raise WrongUse(f"{folder}: cannot be written: {problem.strerror or problem}") from None
    for name in shipped.generated():
        path = str(folder / name)
        put_json({"path": path}) if as_json else put_text(path)
    flush()


def check(as_json: Json = False) -> None:
    """Compare the schemas that ship with what the models say. Exit 0: they fit; 1: the names of those that do not."""
    from gatetrail.cli.output import flush, put_json, put_text
    from gatetrail.runtime.schema import shipped

    drifted = [*shipped.drifted()]
    if as_json:
        put_json({"ok": not drifted, "drifted": drifted})
    else:
        for name in drifted:
            put_text(name)
    flush()
    if drifted:
        say("Write them anew: gatetrail schema export")
        raise typer.Exit(NO)
