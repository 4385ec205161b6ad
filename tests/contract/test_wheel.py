"""What a customer installs: two packages with their types, the SQL and the schemas."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from zipfile import ZipFile

import pytest

from tests.checkout import ROOT


@pytest.fixture(scope="module")
def wheel_names(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """The names of all files in a freshly built wheel."""
    folder = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(folder)]
    built = subprocess.run([*command, str(ROOT)], capture_output=True, text=True, timeout=120, check=False)
    assert built.returncode == 0, built.stdout + built.stderr
    (wheel,) = folder.glob("*.whl")
    with ZipFile(wheel) as archive:
        return archive.namelist()


def test_the_wheel_has_two_packages_and_its_metadata(wheel_names: list[str]) -> None:
    top_level = {Path(name).parts[0] for name in wheel_names}
    (metadata,) = top_level - {"gatetrail", "gatetrail_sinks"}
    assert metadata.endswith(".dist-info")
    assert top_level >= {"gatetrail", "gatetrail_sinks"}


@pytest.mark.parametrize("folder", ["migrations", "schemas"])
def test_the_wheel_carries_every_data_file(wheel_names: list[str], folder: str) -> None:
    expected = {f"gatetrail/{path.relative_to(ROOT)}" for path in data_files(ROOT / folder)}
    assert expected
    assert expected - set(wheel_names) == set()


def test_the_wheel_carries_the_dashboard(wheel_names: list[str]) -> None:
    folder = ROOT / "core/gatetrail/service/dashboard"
    expected = {f"gatetrail/service/dashboard/{path.name}" for path in data_files(folder)}
    assert "gatetrail/service/dashboard/index.html" in expected
    assert expected - set(wheel_names) == set()


@pytest.mark.parametrize("package", ["gatetrail", "gatetrail_sinks"])
def test_the_wheel_says_that_it_is_typed(wheel_names: list[str], package: str) -> None:
    assert f"{package}/py.typed" in wheel_names


def test_the_wheel_carries_every_module(wheel_names: list[str]) -> None:
    modules = {str(path.relative_to(ROOT / root)) for root in ("core", "sinks") for path in (ROOT / root).rglob("*.py")}
    assert modules - set(wheel_names) == set()


def data_files(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file() and not path.name.startswith(".")]
