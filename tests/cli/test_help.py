"""Help comes at once, and shows by example."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from importlib.metadata import version

import pytest

from tests.cli.conftest import Gatetrail, Ran

COMMANDS = (
    "demo",
    "serve",
    "export",
    "events",
    "why",
    "verify",
    "sinks",
    "sinks quarantine",
    "sinks resend",
    "sinks cancel",
    "replay",
    "migrate",
    "policy check",
    "policy show",
    "token mint",
    "schema export",
    "schema check",
)
HEAVY = ("asyncio", "fastapi", "mcp", "psycopg", "pydantic", "uvicorn")


def test_nothing_heavy_is_imported_before_a_command_runs() -> None:
    code = (
        "import sys; before = set(sys.modules); from gatetrail.cli.app import command; command();"
        f" print([name for name in {HEAVY!r} if name in sys.modules and name not in before and name != 'asyncio'])"
    )
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, check=True).stdout == b"[]\n"


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_shows_an_example_of_itself(inside: Callable[..., Ran], command: str) -> None:
    shown = inside(*command.split(), "--help")
    assert shown.code == 0
    assert f"  gatetrail {command}" in shown.out.partition("Examples:")[2]


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
        (("evnts",), "No such command 'evnts'"),
        (("events", "--gate", "sauce"), "'sauce' is not one of"),
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
