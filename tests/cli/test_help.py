"""Help comes at once, and shows by example."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytest

from gatetrail.cli.app import command
from gatetrail.cli.help import names_in
from gatetrail.cli.reference import reference
from tests.cli.conftest import Gatetrail, Ran

PAGE = Path(__file__).parents[2] / "docs" / "cli.md"

ROOT = command()
HEAVY = ("asyncio", "fastapi", "mcp", "psycopg", "pydantic", "uvicorn")


def test_nothing_heavy_is_imported_before_a_command_runs() -> None:
    code = (
        "import sys; before = set(sys.modules); from gatetrail.cli.app import command; command();"
        f" print([name for name in {HEAVY!r} if name in sys.modules and name not in before and name != 'asyncio'])"
    )
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, check=True).stdout == b"[]\n"


def paths_of(group: Any, *before: str) -> Iterator[str]:
    """Every command and every group, as it is typed."""
    context = group.context_class(group, info_name=" ".join(("gatetrail", *before)))
    for name in names_in(context):
        yield " ".join((*before, name))
        yield from paths_of(group.commands[name], *before, name)


PATHS = [*paths_of(ROOT)]


@pytest.mark.parametrize("path", PATHS)
def test_every_command_shows_an_example_of_itself_within_80_columns(
    inside: Callable[..., Ran], monkeypatch: pytest.MonkeyPatch, path: str
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    shown = inside(*path.split(), "--help")
    assert shown.code == 0
    assert f"gatetrail {path}" in shown.out.partition("Examples:")[2]
    assert max(map(len, shown.out.splitlines())) <= 80
    assert inside("help", *path.split()).out == shown.out


def test_the_reference_is_what_the_help_says() -> None:
    assert PAGE.read_text() == reference(), "stale: python -m gatetrail.cli.reference > docs/cli.md"


def test_help_of_what_there_is_not_names_what_there_is(inside: Callable[..., Ran]) -> None:
    ran = inside("help", "sinks", "resent")
    assert (ran.code, ran.out) == (2, "")
    assert ran.errors == ["gatetrail sinks has no command 'resent'; there are quarantine, resend, cancel, forget"]
    assert inside("help", "why", "not").errors == ["gatetrail why has no command 'not'; it has none"]


def test_the_version_is_the_packages(offline: Gatetrail) -> None:
    assert offline("--version").out == f"gatetrail {version('gatetrail')}\n"


@pytest.mark.parametrize("arguments", [(), ("policy",), ("token",)])
def test_a_command_without_a_verb_is_answered_with_help(offline: Gatetrail, arguments: tuple[str, ...]) -> None:
    shown = offline(*arguments)
    assert shown.code == 0
    assert "Commands:" in shown.out


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("evnts",), "No such command 'evnts'. Did you mean 'events'?"),
        (("sinks", "resent"), "Did you mean 'resend'?"),
        (("events", "--sinse", "1h"), "--since"),
        (
            ("sinks", "--json", "quarantine"),
            "--json stands behind the whole command: gatetrail sinks quarantine --json",
        ),
        (("export", "--json"), "--json is for --once"),
        (("events", "--gate", "sauce"), "Invalid value for '--gate': 'sauce' is not one of"),
        (("events", "--limit", "-1"), "--limit"),
        (("why",), "DECISION_ID"),
        (("serve", "--port", "65536"), "--port"),
        (("token", "mint", "--user", "ann", "--tier", "king"), "'king' is not one of"),
        (("token", "mint", "--tier", "user"), "--user"),
        (("replay", "--sink", "file"), "--from"),
        (("replay", "--sink", "file", "--from", "yesterday"), "--from: 'yesterday' is no time"),
        (("replay", "--sink", "file", "--from", "1", "--to", "-3"), "or a position such as 1200"),
        (("sinks", "resend", "--sink", "file"), "--seq N"),
        (("sinks", "resend", "--sink", "file", "--all", "--seq", "3"), "--seq N"),
        (("export", "--deadline", "soon"), "--deadline: 'soon' is no duration"),
    ],
)
def test_wrong_use_is_told_with_exit_code_2(inside: Callable[..., Ran], arguments: tuple[str, ...], said: str) -> None:
    ran = inside(*arguments)
    assert (ran.code, ran.out) == (2, "")
    assert said in ran.errors[0]
