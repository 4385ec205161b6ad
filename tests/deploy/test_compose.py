"""The compose file and what lies beside it: its schema, what it promises, and that we understand what it says to us."""

from __future__ import annotations

import json
import os
import shutil
import stat
import subprocess
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from jsonschema import Draft201909Validator

from gatetrail.policy.load import load_policy
from gatetrail.runtime.sample import sample_servers
from gatetrail.settings import load_settings
from gatetrail_sinks.fluentd.settings import FluentdSettings
from tests.deploy.shipped import DEPLOY, check_command, document
from tests.unpacked import unpacked

pytestmark = pytest.mark.requirement("G4")

FOLDER = DEPLOY / "compose"
COMPOSE = document(FOLDER / "compose.yaml")
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
OURS = [name for name, service in SERVICES.items() if service["image"].startswith("gatetrail")]
SCHEMA = "usr/lib/python3/dist-packages/compose/config/compose_spec.json"
NEWER_KEYS = ("name",)
"""Keys of the compose specification that Debian's copy of its schema does not know yet."""


@pytest.fixture
def secrets_folder(tmp_path: Path) -> Path:
    """What make-secrets.sh makes, in a copy of the folder."""
    copy = tmp_path / "compose"
    shutil.copytree(FOLDER, copy, ignore=shutil.ignore_patterns("secrets"))
    subprocess.run([copy / "make-secrets.sh"], check=True, timeout=30, cwd="/")
    return copy / "secrets"


def test_the_file_keeps_to_the_compose_specification() -> None:
    schema = json.loads((unpacked("docker-compose", ["docker-compose"], holds=SCHEMA) / SCHEMA).read_text("utf-8"))
    jsonschema.validate(
        {key: value for key, value in COMPOSE.items() if key not in NEWER_KEYS}, schema, Draft201909Validator
    )


@pytest.mark.parametrize("name", SERVICES)
def test_no_service_may_do_more_than_it_must(name: str) -> None:
    service = SERVICES[name]
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert "cap_add" not in service
    assert "privileged" not in service
    assert service["user"]
    assert any(mount.startswith("/tmp") for mount in service["tmpfs"])


def test_the_database_is_reached_only_from_inside() -> None:
    assert COMPOSE["networks"]["database"] == {"internal": True}
    assert SERVICES["postgres"]["networks"] == ["database"]
    published = {name: service["ports"] for name, service in SERVICES.items() if "ports" in service}
    assert published == {"serve": ["127.0.0.1:8080:8080"]}


def test_migrations_are_done_before_anything_of_ours_starts() -> None:
    assert SERVICES["migrate"]["depends_on"] == {"postgres": {"condition": "service_healthy"}}
    assert SERVICES["migrate"]["restart"] == "no"
    for name in ("serve", "export"):
        assert SERVICES[name]["depends_on"]["migrate"] == {"condition": "service_completed_successfully"}


@pytest.mark.parametrize("name", OURS)
def test_our_commands_exist(name: str) -> None:
    check_command(SERVICES[name]["command"])


def test_each_file_that_is_named_is_there(secrets_folder: Path) -> None:
    for config in COMPOSE["configs"].values():
        assert (FOLDER / config["file"]).is_file()
    for secret in COMPOSE["secrets"].values():
        assert (secrets_folder.parent / secret["file"]).read_text().strip()
    used = {name for service in SERVICES.values() for name in service.get("secrets", ())}
    assert used == {*COMPOSE["secrets"]}
    mounted = {mount["source"] for service in SERVICES.values() for mount in service.get("configs", ())}
    assert mounted == {*COMPOSE["configs"]}
    volumes = {volume.partition(":")[0] for service in SERVICES.values() for volume in service.get("volumes", ())}
    assert volumes == {*COMPOSE["volumes"]}


def test_secrets_are_made_once_and_by_chance(secrets_folder: Path) -> None:
    before = {file.name: file.read_text() for file in secrets_folder.iterdir()}
    subprocess.run([secrets_folder.parent / "make-secrets.sh"], check=True, timeout=30)
    assert {file.name: file.read_text() for file in secrets_folder.iterdir()} == before
    assert len({*before.values()}) == len(before)
    assert all(len(secret) >= 64 for secret in before.values())
    assert before["gatetrail_password"] in before["gatetrail_dsn"]
    assert stat.S_IMODE(secrets_folder.stat().st_mode) == 0o700
    assert {stat.S_IMODE(file.stat().st_mode) for file in secrets_folder.iterdir()} == {0o444}


def test_the_secrets_are_not_committed() -> None:
    assert "secrets/" in (FOLDER / ".gitignore").read_text("utf-8").splitlines()


def test_the_service_can_read_its_settings(secrets_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.startswith("GATETRAIL_")]:
        monkeypatch.delenv(name)
    config = secrets_folder.parent / "service.yaml"
    config.write_text(config.read_text("utf-8").replace("/run/secrets", str(secrets_folder)))
    settings = load_settings(config)
    assert settings.dsn is not None
    assert settings.dsn.get_secret_value().endswith("@postgres:5432/gatetrail")
    assert settings.jwt_secret is not None
    assert settings.redaction_key is not None
    assert set(settings.allowed_hosts) <= {*SERVICES}


@pytest.mark.parametrize("name", OURS)
def test_each_of_ours_is_given_the_secrets_that_its_settings_name(name: str) -> None:
    settings = document(FOLDER / "service.yaml")
    needed = {settings[key] for key in ("dsn_file", "jwt_secret_file", "redaction_key_file", "state_key_file")}
    if name == "export":
        needed.add(settings["sinks"]["siem"]["shared_key_file"])
    assert needed == {f"/run/secrets/{secret}" for secret in SERVICES[name]["secrets"]}


def test_the_policy_is_valid_and_knows_the_servers_and_tools_that_are_served() -> None:
    policy = load_policy(FOLDER / "policy.yaml").document
    assert {*policy.servers} == {*sample_servers()}
    assert document(FOLDER / "service.yaml").get("servers") is None


def test_the_export_and_fluent_bit_fit_together() -> None:
    keys = document(FOLDER / "service.yaml")["sinks"]["siem"]
    (receiver,) = FluentdSettings(
        **{key: value for key, value in keys.items() if key not in {"type", "format"}}
    ).receivers
    fluent_bit = document(FOLDER / "fluent-bit.yaml")
    (forward,) = fluent_bit["pipeline"]["inputs"]
    assert (forward["name"], forward["port"]) == ("forward", receiver.port)
    assert receiver.host in SERVICES
    assert {*SERVICES["export"]["networks"]} & {*SERVICES[receiver.host]["networks"]}
    (key,) = fluent_bit["env"]
    assert forward["shared_key"] == f"${{{key['name']}}}"
    assert key["uri"] == f"file://{keys['shared_key_file']}"
    assert forward["self_hostname"] != FluentdSettings.model_fields["self_hostname"].default


def test_fluent_bit_has_events_on_disk_before_it_acknowledges() -> None:
    fluent_bit = document(FOLDER / "fluent-bit.yaml")
    (forward,) = fluent_bit["pipeline"]["inputs"]
    assert forward["storage.type"] == "filesystem"
    kept = Path(fluent_bit["service"]["storage.path"])
    folders = [Path(volume.partition(":")[2]) for volume in SERVICES["fluent-bit"]["volumes"]]
    assert any(kept.is_relative_to(folder) for folder in folders)
    for output in fluent_bit["pipeline"]["outputs"]:
        assert output["retry_limit"] == "no_limits"
        assert any(Path(output["path"]).is_relative_to(folder) for folder in folders)
