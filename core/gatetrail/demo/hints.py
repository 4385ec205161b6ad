"""Commands that look further, as they work in the shell of whoever started the demo."""

from __future__ import annotations

import shlex
import shutil
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from gatetrail.demo.account import Account
from gatetrail.demo.cast import ANN, PROMOTED
from gatetrail.demo.party import Proof
from gatetrail.runtime.folder import data_dir
from gatetrail.runtime.psql import psql_command
from gatetrail.settings import ServiceSettings
from gatetrail.words import GateName

SINK_FILE = "events.jsonl"
PROGRAM = "gatetrail"
STATEMENT = "SELECT started_at, user_id, tool_name, gate, reason_code FROM denied_calls WHERE execution_id = $${}$$"


@dataclass(frozen=True, slots=True)
class Hint:
    """A command, and what it shows."""

    command: str
    purpose: str


class Shell:
    """How commands are written so that they find this record."""

    def __init__(self, settings: ServiceSettings, dsn: str) -> None:
        self._settings = settings
        self._dsn = dsn
        self._program = " ".join([*_environment(settings), _program()])

    def command(self, *words: str) -> str:
        """A command of ours. It does not name a database of the user's own, which may need a password."""
        return f"{self._program} {shlex.join(words)}"

    def psql(self, statement: str) -> str:
        return psql_command(self._settings, self._dsn, statement)

    @property
    def events_file(self) -> Path:
        return data_dir(self._settings) / SINK_FILE

    @property
    def is_embedded(self) -> bool:
        return self._settings.dsn is None


def hints_for(account: Account, shell: Shell) -> Sequence[Hint]:
    """Where to look next: one denial of this very run in four places, then the whole record."""
    decision_id = why_id(account)
    return [
        *([] if decision_id is None else _of_one(decision_id, shell)),
        Hint(shell.command("events", "--gate", "scope", "--since", "1h"), "denials of one gate"),
        Hint(shell.command("verify"), "recompute every hash of the record"),
        Hint(shell.command("sinks"), "how far each sink has read"),
    ]


def _of_one(decision_id: str, shell: Shell) -> Sequence[Hint]:
    while_running = " (while it runs)" if shell.is_embedded else ""
    return [
        Hint(shell.command("why", decision_id), "one decision: an administrator's token in an analyst's session"),
        Hint(f"grep {decision_id} {shlex.quote(str(shell.events_file))}", "the same as a log shipper sees it"),
        Hint(shell.psql(STATEMENT.format(decision_id)), f"the same in SQL{while_running}"),
    ]


def why_id(account: Account) -> str | None:
    """The most telling denial: in the session that picked up an administrator's token; else any by the scope gate."""
    promoted = (line for line in account.of(PROMOTED.name) if line.gate is GateName.SCOPE)
    telling = next(promoted, None)
    return telling.first_execution_id if telling else account.first_denial(GateName.SCOPE)


def invitation(url: str, shell: Shell, token: str) -> str:
    """What one can do while the service goes on running. `token` opens the dashboard."""
    return (
        f"\nServing {url}/mcp/finance and {url}/mcp/engineering. Calm traffic goes on until Ctrl-C.\n"
        f"  # watch it live: open {url}/ and sign in with this token, good for an hour\n  {token}\n"
        f"  # a token to call the servers with\n  {_mint_command(shell, ANN)}"
    )


def _mint_command(shell: Shell, proof: Proof) -> str:
    words = ["token", "mint", "--user", proof.user_id, "--tier", proof.tier.value]
    words += ["--department", proof.department] if proof.department else []
    for scope in proof.scopes:
        words += ["--scope", scope]
    return shell.command(*words)


def _environment(settings: ServiceSettings) -> Sequence[str]:
    """What the commands need beside their names: nothing where all is at its default place."""
    chosen = data_dir(settings)
    is_default = chosen == data_dir(settings.model_copy(update={"data_dir": None}))
    return [] if is_default else [f"GATETRAIL_DATA_DIR={shlex.quote(str(chosen))}"]


def _program() -> str:
    """By name where the shell finds it by that, else as it was started."""
    started = Path(sys.argv[0])
    found = shutil.which(PROGRAM)
    if started.name != PROGRAM or (found is not None and Path(found).resolve() == started.resolve()):
        return PROGRAM
    return shlex.quote(sys.argv[0])
