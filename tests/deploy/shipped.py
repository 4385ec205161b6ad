"""What deploy/ ships, read, and held against the product that it is for."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import yaml

from gatetrail.cli.app import command
from tests.checkout import ROOT

DEPLOY = ROOT / "deploy"
QUOTED = re.compile(r"`gatetrail ([^`]+)`")


def documents(file: Path) -> list[dict[str, Any]]:
    """The YAML documents of a file."""
    return [one for one in yaml.safe_load_all(file.read_text("utf-8")) if one is not None]


def document(file: Path) -> dict[str, Any]:
    """Of a file that has one."""
    (found,) = documents(file)
    return found


def check_command(arguments: Sequence[str]) -> None:
    """Parse a command line as `gatetrail` would, without running it. Raises click's UsageError."""
    current: Any = command()
    context = current.make_context("gatetrail", list(arguments))
    while words := [*getattr(context, "_protected_args", ()), *context.args]:
        name, current, rest = current.resolve_command(context, words)
        context = current.make_context(name, list(rest), parent=context)


def commands_in(text: str) -> Iterator[list[str]]:
    """The arguments of each of our commands that stands in backticks; a template stands for a gate."""
    for quoted in QUOTED.findall(text):
        yield shlex.split(re.sub(r"\{\{.*?\}\}", "scope", quoted))
