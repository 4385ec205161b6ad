"""Commands, options and values are completed by the shells themselves."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from gatetrail.cli.completion import Shell
from tests.cli.conftest import Gatetrail
from tests.cli.terminal import Terminal
from tests.require import require_or_skip

pytestmark = [pytest.mark.slow, pytest.mark.requirement("E4")]

CASES = [
    ("gatetrail eve", "events"),
    ("gatetrail sinks res", "sinks resend"),
    ("gatetrail events --deci", "--decision"),
    ("gatetrail events --decision al", "--decision allow"),
    ("gatetrail events --decision=al", "--decision=allow"),
    ("gatetrail events --url http://127.0.0.1:80 --foll", ":80 --follow"),
    ("gatetrail events --event audit.heart", "audit.heartbeat"),
    ("gatetrail token mint --tier adm", "--tier admin"),
    ("gatetrail replay --config service.yaml --sink archi", "--sink archive"),
    ("gatetrail policy check polic", "check policy.yaml"),
]
SERVICE = "sinks: {siem: {type: file, path: a}, archive: {type: file, path: b}}"


@pytest.fixture
def surroundings(offline: Gatetrail) -> dict[str, str]:
    """An environment in which `gatetrail` is a command, and some files beside it."""
    (offline.folder / "service.yaml").write_text(SERVICE)
    (offline.folder / "policy.yaml").write_text("")
    programs = str(Path(sys.executable).parent)
    return {**offline.environment, "PATH": f"{programs}:{os.environ['PATH']}", "PS1": "> ", "TERM": "dumb"}


def has(shell: str) -> bool:
    return shutil.which(shell) is not None


def test_bash_completes_what_is_typed(offline: Gatetrail, surroundings: dict[str, str]) -> None:
    require_or_skip(has("bash"), "bash is not installed")
    bash = ["bash", "--norc", "--noprofile", "-i"]
    with Terminal(bash, offline.folder, surroundings, columns=200) as terminal:
        complete_all(terminal, "source <(gatetrail completion bash)")


def test_bash_takes_a_glob_for_what_it_is_and_not_for_files(offline: Gatetrail, surroundings: dict[str, str]) -> None:
    require_or_skip(has("bash"), "bash is not installed")
    (offline.folder / "audit.log").write_text("")
    asking = (
        'source <(gatetrail completion bash); COMP_LINE="gatetrail events --event audit"; COMP_POINT=${#COMP_LINE};'
        """ _gatetrail_completion gatetrail; printf '%s\\n' "${COMPREPLY[@]}\""""
    )
    asked = subprocess.run(
        ["bash", "--norc", "-c", asking],
        cwd=offline.folder,
        env=surroundings,
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    found = asked.stdout.splitlines()
    assert "audit.*" in found
    assert "audit.log" not in found


@pytest.mark.skipif(not has("zsh"), reason="zsh is not installed")
def test_zsh_completes_what_is_typed(offline: Gatetrail, surroundings: dict[str, str]) -> None:
    with Terminal(["zsh", "-f", "-i"], offline.folder, surroundings, columns=200) as terminal:
        begin = "unsetopt zle_bracketed_paste prompt_sp; autoload -Uz compinit; compinit -u -D"
        complete_all(terminal, f"{begin}; source <(gatetrail completion zsh)")


@pytest.mark.skipif(not has("fish"), reason="fish is not installed")
@pytest.mark.parametrize(("typed", "completed"), CASES)
def test_fish_knows_how_a_line_can_go_on(
    offline: Gatetrail, surroundings: dict[str, str], typed: str, completed: str
) -> None:
    asked = subprocess.run(
        ["fish", "--no-config", "-c", f"gatetrail completion fish | source; complete -C '{typed}'"],
        cwd=offline.folder,
        env=surroundings,
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    words = [line.partition("\t")[0] for line in asked.stdout.splitlines()]
    assert completed.rsplit(" ", maxsplit=1)[-1] in words


def complete_all(terminal: Terminal, begin: str) -> None:
    """Press the tabulator behind each beginning; each is wiped out before the next."""
    terminal.type(f"{begin}; echo rea''dy\n")
    terminal.wait_for("ready\n|ready\r")
    for typed, completed in CASES:
        terminal.type(f"{typed}\t")
        terminal.wait_for(f"{completed} ".replace(".", r"\."))
        terminal.type("\x15echo wiped''out\n")  # Ctrl-U
        terminal.wait_for("wipedout\n|wipedout\r")


@pytest.mark.parametrize("shell", Shell)
def test_a_script_is_printed_and_nothing_is_installed(offline: Gatetrail, shell: Shell) -> None:
    ran = offline("completion", shell)
    assert (ran.code, ran.err) == (0, "")
    assert "gatetrail" in ran.out
    assert not [*offline.folder.iterdir()]


def test_other_shells_are_wrong_use(offline: Gatetrail) -> None:
    ran = offline("completion", "tcsh")
    assert (ran.code, ran.out) == (2, "")
    assert "'tcsh' is not one of 'bash', 'zsh', 'fish'" in ran.errors[0]
