"""The commands of the compose file, in its order and with its settings, as processes on this machine.

Only what an engine would give is put in: paths of secrets, the address of the database and that of the receiver.
"""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import httpx
import orjson
import pytest
from psycopg.conninfo import make_conninfo

from gatetrail_sinks.postgres.embedded.binaries import installed_binaries
from tests.checkout import ROOT
from tests.cli.conftest import Gatetrail
from tests.deploy.shipped import DEPLOY, document
from tests.external import external_server
from tests.sinks.fluentd_server import FluentdServer

pytestmark = [pytest.mark.anyio, pytest.mark.postgres, pytest.mark.node, pytest.mark.requirement("G4")]

SERVICES = document(DEPLOY / "compose" / "compose.yaml")["services"]
ALERTS = document(DEPLOY / "prometheus" / "alerts.yaml")["groups"]
SELECTION = re.compile(r"\b(gatetrail_\w+)(\{[^}]*\})?")
MATCHER = re.compile(r'(\w+)(=~|!=|=)"([^"]*)"')
LISTENING = re.compile(r"Listening on (http://\S+)")


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    with external_server() as dsn:
        yield dsn


@pytest.fixture
def folder(tmp_path: Path, server: str) -> Path:
    """The compose folder, its secrets made, its database set up by roles.sql, its paths put right."""
    folder = tmp_path / "compose"
    shutil.copytree(DEPLOY / "compose", folder, ignore=shutil.ignore_patterns("secrets"))
    subprocess.run([folder / "make-secrets.sh"], check=True, timeout=30)
    secrets = folder / "secrets"
    password = (secrets / "gatetrail_password").read_text()
    (secrets / "gatetrail_dsn").unlink()
    (secrets / "gatetrail_dsn").write_text(
        make_conninfo(server, dbname="gatetrail", user="gatetrail", password=password)
    )
    for name in ("roles.sql", "service.yaml"):
        text = (folder / name).read_text("utf-8")
        (folder / name).write_text(text.replace("/run/secrets", str(secrets)), "utf-8")
    psql = [
        str(installed_binaries().program("psql")),
        "--no-psqlrc",
        "--quiet",
        "--file",
        str(folder / "roles.sql"),
        server,
    ]
    subprocess.run(psql, check=True, timeout=60)
    return folder


@pytest.fixture
async def receiver(folder: Path) -> AsyncIterator[FluentdServer]:
    """In the place of Fluent Bit, with the key that compose gives to both."""
    receiver = FluentdServer(folder, shared_key=(folder / "secrets" / "forward_shared_key").read_text())
    await receiver.start()
    settings = (folder / "service.yaml").read_text("utf-8")
    address = f"[{{host: {receiver.host}, port: {receiver.port}}}]"
    (folder / "service.yaml").write_text(settings.replace("[{host: fluent-bit}]", address), "utf-8")
    yield receiver
    await receiver.kill()


@pytest.fixture
def command(folder: Path) -> Iterator[Gatetrail]:
    """`gatetrail` with the variables of the compose file."""
    given = SERVICES["serve"]["environment"]
    variables = {name: value.replace("/etc/gatetrail", str(folder)) for name, value in given.items()}
    command = Gatetrail(folder, {**variables, "GATETRAIL_DATA_DIR": str(folder / "data")})
    yield command
    command.end_all()


async def test_the_commands_work_in_their_order(receiver: FluentdServer, command: Gatetrail) -> None:
    migrated = command(*SERVICES["migrate"]["command"])
    assert len(migrated.out.splitlines()) == len([*(ROOT / "migrations").glob("*.sql")])
    serving = command.start(*SERVICES["serve"]["command"], "--port", "0")
    (url,) = LISTENING.findall("\n".join(serving.err.wait_for(lambda lines: any(map(LISTENING.search, lines)))))
    async with httpx.AsyncClient(base_url=url) as client:
        # As a probe of a cluster asks, by the address of a pod.
        ready = await client.get("/readyz", headers={"Host": "10.9.8.7:8080"})
        assert (ready.status_code, ready.json()["ready"]) == (200, True)
        assert (await client.post("/mcp/finance", json={})).status_code == 401
        exported = command(*SERVICES["export"]["command"], "--once")
        assert exported.code == 0, exported.err
        scraped = await client.get("/metrics", headers={"Host": "serve:8080"})
    assert serving.end() == 0
    names = [orjson.loads(line)["event_name"] for line in await receiver.records()]
    assert {"policy.changed", "identity.refused"} <= {*names}
    assert {file.name for file in (command.folder / "data").iterdir()} == {"spool"}
    assert unknown_to(scraped.text) == []


def unknown_to(exposition: str) -> list[str]:
    """What the alerts select of our metrics and the exposition does not have: names, labels, and words as labels."""
    expressions = [rule["expr"] for group in ALERTS for rule in group["rules"]]
    missing = set[str]()
    for name, selector in SELECTION.findall(" ".join(expressions)):
        lines = [line for line in exposition.splitlines() if re.match(rf"{name}[{{ ]", line)]
        if not lines:
            missing.add(name)
        for label, operator, value in MATCHER.findall(selector):
            pattern = f'{label}="{value}"' if operator == "=" else f'{label}="'
            if not any(pattern in line for line in lines):
                missing.add(f"{name} {pattern}")
    return sorted(missing)
