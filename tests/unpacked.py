"""Programs of Debian packages that tests run without installing them: fetched once, unpacked below build/."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

from tests.checkout import ROOT
from tests.require import require_or_skip

DOWNLOAD_LIMIT_S = 120


def unpacked(name: str, packages: Sequence[str], *, holds: str) -> Path:
    """The folder `build/NAME/root` that stands for `/` of the packages. Skips where they cannot be had.

    `holds` is a path in one of them, without a slash in front: where it is, nothing is fetched again.
    """
    root = ROOT / "build" / name / "root"
    if not (root / holds).exists():
        require_or_skip(shutil.which("apt-get") and shutil.which("dpkg-deb"), "apt-get and dpkg-deb are not here")
        _fetch(root, packages)
    return root


def _fetch(root: Path, packages: Sequence[str]) -> None:
    downloads = root.with_name(f"packages-{os.getpid()}")
    downloads.mkdir(parents=True, exist_ok=True)
    command = ["apt-get", "download", "-qq", *packages]
    fetched = subprocess.run(
        command, cwd=downloads, capture_output=True, text=True, timeout=DOWNLOAD_LIMIT_S, check=False
    )
    require_or_skip(fetched.returncode == 0, f"{' '.join(packages)} cannot be fetched: {fetched.stderr[-300:]}")
    new = root.with_name(f"root-{os.getpid()}")
    for package in downloads.glob("*.deb"):
        subprocess.run(["dpkg-deb", "-x", str(package), str(new)], check=True, timeout=60)
    shutil.rmtree(downloads)
    if not root.exists():
        new.rename(root)
