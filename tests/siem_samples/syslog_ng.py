"""A real syslog-ng beside rsyslog. Debian lets only one of them be installed, so its packages are unpacked instead."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

from tests.checkout import ROOT
from tests.require import require_or_skip
from tests.siem_samples.shippers import Daemon, Site

PACKAGES = ("syslog-ng-core", "libivykis0", "libnet1", "libpcre3", "libwrap0")
"""The daemon, and of its libraries those that a small Debian 12 lacks."""
CACHE = ROOT / "build" / "syslog-ng"
DOWNLOAD_LIMIT_S = 120


def unpacked() -> Path:
    """The folder that stands for `/` of the packages; they are fetched once. Skips where they cannot be had."""
    root = CACHE / "root"
    if not (root / "usr/sbin/syslog-ng").exists():
        require_or_skip(shutil.which("apt-get") and shutil.which("dpkg-deb"), "apt-get and dpkg-deb are not here")
        _fetch(root)
    return root


def _fetch(root: Path) -> None:
    packages = CACHE / f"packages-{os.getpid()}"
    packages.mkdir(parents=True, exist_ok=True)
    command = ["apt-get", "download", "-qq", *PACKAGES]
    fetched = subprocess.run(
        command, cwd=packages, capture_output=True, text=True, timeout=DOWNLOAD_LIMIT_S, check=False
    )
    require_or_skip(fetched.returncode == 0, f"the packages of syslog-ng cannot be fetched: {fetched.stderr[-300:]}")
    new = CACHE / f"root-{os.getpid()}"
    for package in packages.glob("*.deb"):
        subprocess.run(["dpkg-deb", "-x", str(package), str(new)], check=True, timeout=60)
    shutil.rmtree(packages)
    if not root.exists():
        new.rename(root)


def start(site: Site, name: str, configuration: str) -> Daemon:
    """Run it with a configuration, its state in a folder of its own below the site."""
    root = unpacked()
    folder = site.root / name
    folder.mkdir(exist_ok=True)
    file = folder / "syslog-ng.conf"
    file.write_text(configuration)
    command = [
        str(root / "usr/sbin/syslog-ng"),
        *("--foreground", "--no-caps", "--stderr", "--cfgfile", str(file)),
        *("--module-path", str(next(root.glob("usr/lib/syslog-ng/3.*")))),
        *("--persist-file", str(folder / "persist"), "--control", str(folder / "control")),
        *("--pidfile", str(folder / "pid")),
    ]
    libraries = (root / "usr/lib/syslog-ng", *root.glob("usr/lib/*-linux-gnu"), *root.glob("lib/*-linux-gnu"))
    env = {**os.environ, "LD_LIBRARY_PATH": os.pathsep.join(map(str, libraries))}
    return Daemon(command, folder / "said", env)
