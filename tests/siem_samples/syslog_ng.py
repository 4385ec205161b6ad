"""A real syslog-ng beside rsyslog. Debian lets only one of them be installed, so its packages are unpacked instead."""

from __future__ import annotations

import os
from pathlib import Path

from tests.siem_samples.shippers import Daemon, Site
from tests.unpacked import unpacked as unpacked_packages

PACKAGES = ("syslog-ng-core", "libivykis0", "libnet1", "libpcre3", "libwrap0")
"""The daemon, and of its libraries those that a small Debian 12 lacks."""


def unpacked() -> Path:
    """The folder that stands for `/` of the packages; they are fetched once. Skips where they cannot be had."""
    return unpacked_packages("syslog-ng", PACKAGES, holds="usr/sbin/syslog-ng")


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
