"""The container's recipe: linted, and held against the checkout that it builds from."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import threading
import tomllib
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from gatetrail.service.health import HEALTH_PATHS
from tests.checkout import ROOT
from tests.deploy.shipped import DEPLOY, check_command

pytestmark = pytest.mark.requirement("G4")

CONTAINERFILE = DEPLOY / "container" / "Containerfile"
HADOLINT = Path(sys.executable).with_name("hadolint")
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))


def instructions() -> list[tuple[str, str]]:
    """Keyword and rest of each instruction, continued lines joined, comments left out."""
    lines = [line for line in CONTAINERFILE.read_text("utf-8").splitlines() if not line.startswith("#")]
    whole = "\n".join(lines).replace("\\\n", " ")
    parts = [" ".join(line.split()).partition(" ") for line in whole.splitlines() if line.strip()]
    return [(keyword, rest) for keyword, _, rest in parts]


def last_stage() -> list[tuple[str, str]]:
    found = instructions()
    begin = max(index for index, (keyword, _) in enumerate(found) if keyword == "FROM")
    return found[begin:]


def of_last_stage(keyword: str) -> str:
    (found,) = (rest for word, rest in last_stage() if word == keyword)
    return found


def test_the_linter_has_nothing_to_say() -> None:
    linted = subprocess.run([HADOLINT, CONTAINERFILE], capture_output=True, text=True, timeout=60, check=False)
    assert (linted.returncode, linted.stdout) == (0, "")


def test_everything_is_installed_by_hash() -> None:
    (installing,) = (rest for keyword, rest in instructions() if keyword == "RUN" and "requirements.txt" in rest)
    assert "--require-hashes" in installing
    (building,) = (rest for keyword, rest in instructions() if keyword == "RUN" and "pip wheel" in rest)
    assert building.count("--no-index") == building.count("pip wheel") + building.count("pip install")


def test_what_runs_is_no_root_and_needs_no_shell() -> None:
    user, group = of_last_stage("USER").split(":")
    assert int(user) > 0
    assert int(group) > 0
    assert [rest for keyword, rest in last_stage() if keyword == "RUN"] == []
    for keyword in ("ENTRYPOINT", "CMD"):
        assert json.loads(of_last_stage(keyword))


def test_the_command_is_one_of_ours() -> None:
    (entry,) = json.loads(of_last_stage("ENTRYPOINT"))
    assert Path(entry).name in PROJECT["project"]["scripts"]
    check_command(json.loads(of_last_stage("CMD")))


def test_the_image_is_marked_with_the_version_and_licence_of_the_project() -> None:
    labels = dict(re.findall(r'org\.opencontainers\.image\.(\w+)="([^"]*)"', of_last_stage("LABEL")))
    project = PROJECT["project"]
    assert labels == {
        "title": "Gatetrail",
        "description": project["description"],
        "version": project["version"],
        "licenses": project["license"],
    }


def test_the_data_folder_is_the_volume_and_belongs_to_the_user() -> None:
    environment = dict(re.findall(r"(GATETRAIL_\w+)=(\S+)", of_last_stage("ENV")))
    assert environment["GATETRAIL_DATA_DIR"] == of_last_stage("VOLUME")
    assert environment["GATETRAIL_PORT"] == of_last_stage("EXPOSE")
    user, group = of_last_stage("USER").split(":")
    assert any(
        "install --directory" in rest and f"--owner={user} --group={group}" in rest for _, rest in instructions()
    )
    assert f"--chown={user}:{group} /build/data {of_last_stage('VOLUME')}" in " ".join(rest for _, rest in last_stage())


def test_the_build_sees_what_it_copies_and_nothing_else() -> None:
    ignored = (ROOT / ".containerignore").read_text("utf-8")
    assert (CONTAINERFILE.parent / "Containerfile.dockerignore").read_text("utf-8") == ignored
    let_in = {line[1:] for line in ignored.splitlines() if line.startswith("!")}
    copied = {
        source
        for keyword, rest in instructions()
        if keyword == "COPY" and not rest.startswith("--from")
        for source in rest.split()[:-1]
    }
    assert let_in == copied
    assert all((ROOT / name).exists() for name in let_in)
    packaged = {*PROJECT["tool"]["hatch"]["build"]["targets"]["wheel"]["force-include"]}
    assert packaged | {"core", "sinks", PROJECT["project"]["readme"]} < let_in


@pytest.fixture
def answering() -> Iterator[dict[str, int]]:
    """A server on the loopback interface: set `status` and read `port`."""
    state = {"status": 200}

    class Answers(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(state["status"] if self.path in HEALTH_PATHS else 404)
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 -- the name is the library's
            pass

    server = HTTPServer(("127.0.0.1", 0), Answers)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    state["port"] = server.server_port
    yield state
    server.shutdown()
    server.server_close()


@pytest.mark.parametrize(("status", "healthy"), [(200, True), (503, False)])
def test_the_health_check_follows_readiness(answering: dict[str, int], *, status: int, healthy: bool) -> None:
    answering["status"] = status
    _, _, shell_free = of_last_stage("HEALTHCHECK").partition(" CMD ")
    _, *arguments = json.loads(shell_free)
    environment = {"GATETRAIL_PORT": str(answering["port"])}
    checked = subprocess.run(
        [sys.executable, *arguments], env=environment, capture_output=True, timeout=30, check=False
    )
    assert (checked.returncode == 0) == healthy
