"""Secrets that a platform hands over as files."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import jwt
import pytest

from tests.cli.conftest import Gatetrail, Ran

SECRET = "a-secret-of-more-than-32-bytes-for-tests"
MINT = ("token", "mint", "--user", "ann", "--tier", "user")


def config_of(tmp_path: Path, **files: Path) -> str:
    config = tmp_path / "service.yaml"
    config.write_text("".join(f"{name}: {file}\n" for name, file in files.items()))
    return str(config)


def test_the_database_may_be_named_by_a_file(gatetrail: Gatetrail, dsn: str, tmp_path: Path) -> None:
    del gatetrail.variables["GATETRAIL_DSN"]
    file = tmp_path / "dsn"
    file.write_text(f"{dsn}\n")
    assert gatetrail("migrate", "--config", config_of(tmp_path, dsn_file=file)).out.startswith("0001_journal")
    assert gatetrail("migrate", GATETRAIL_DSN_FILE=str(file)).err.endswith("up to date.\n")
    assert not (tmp_path / "data" / "postgres").exists()


def test_a_secret_of_a_file_signs_tokens(gatetrail: Gatetrail, tmp_path: Path) -> None:
    file = tmp_path / "jwt"
    file.write_text(f"{SECRET}\r\n")
    by_file = gatetrail(*MINT, GATETRAIL_JWT_SECRET_FILE=str(file))
    assert by_file.code == 0
    assert not (tmp_path / "data" / "jwt-secret").exists()
    claims = jwt.decode(by_file.out.strip(), SECRET, algorithms=["HS256"], audience="gatetrail")
    assert claims["sub"] == "ann"


def test_the_command_line_goes_over_the_file(inside: Callable[..., Ran], dsn: str, tmp_path: Path) -> None:
    config = config_of(tmp_path, dsn_file=tmp_path / "nobody-reads-this")
    assert inside("migrate", "--config", config, "--dsn", dsn).code == 0


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (None, "jwt_secret_file (GATETRAIL_JWT_SECRET_FILE): {file} cannot be read: No such file or directory"),
        (b"\n", "jwt_secret_file (GATETRAIL_JWT_SECRET_FILE): {file} is empty; expected the jwt_secret"),
        (b"\xff\xfe", "jwt_secret_file (GATETRAIL_JWT_SECRET_FILE): {file} is not UTF-8 text"),
    ],
)
def test_an_unusable_file_is_told(
    inside: Callable[..., Ran], tmp_path: Path, content: bytes | None, expected: str
) -> None:
    file = tmp_path / "jwt"
    if content is not None:
        file.write_bytes(content)
    ran = inside(*MINT, "--config", config_of(tmp_path, jwt_secret_file=file))
    assert (ran.code, ran.errors) == (2, [expected.format(file=file)])


def test_value_and_file_together_are_refused(gatetrail: Gatetrail, tmp_path: Path) -> None:
    file = tmp_path / "jwt"
    file.write_text(SECRET)
    ran = gatetrail(*MINT, GATETRAIL_JWT_SECRET=SECRET, GATETRAIL_JWT_SECRET_FILE=str(file))
    assert (ran.code, ran.errors) == (2, ["jwt_secret and jwt_secret_file are both set; give one of them"])
    assert SECRET not in ran.err
