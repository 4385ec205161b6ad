"""Metrics of several worker processes on one port: each keeps its numbers in files, whichever is asked adds them up.

The parent makes one `SharedMetrics` before it starts workers, gives each of them its `environment`, and calls `forget`
whenever one has ended. The workers have to be fresh interpreters, not forks: prometheus_client decides when it is
imported. The folder goes with the service, so that the next one begins with zeros.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

VARIABLE = "PROMETHEUS_MULTIPROC_DIR"


@dataclass(frozen=True, slots=True)
class SharedMetrics:
    """A folder for the workers' numbers, to be made empty for each service."""

    folder: Path

    @property
    def environment(self) -> Mapping[str, str]:
        """What the environment of each worker needs besides. Makes the folder."""
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        return {VARIABLE: str(self.folder)}

    def forget(self, pid: int) -> None:
        """A worker has ended: what it had at that moment (connections, queue) counts no more, what it did stays."""
        for pattern in (f"gauge_live*_{pid}.db", _name_of(pid)):
            for file in self.folder.glob(pattern):
                file.unlink(missing_ok=True)


class SharedPolicies:
    """Which policy is in force in each worker: a small file for each, since a version is no number."""

    def __init__(self, folder: Path | None, pid: int) -> None:
        """Without a folder this process is alone."""
        self._folder = folder
        self._pid = pid
        self._told: str | None = None

    def tell(self, version: str) -> None:
        """What is in force here. The folder may be gone already, when the service ends."""
        if self._folder is None or version == self._told:
            return
        own = self._folder / _name_of(self._pid)
        with suppress(OSError):
            beside = own.with_suffix(".new")
            beside.write_text(version, "ascii")
            beside.replace(own)
            self._told = version

    def counted(self, own: str) -> Mapping[str, int]:
        """How many workers have which; `own` is this one's, now."""
        files = [] if self._folder is None else [*self._folder.glob(_name_of("*"))]
        told = {file.name: _read(file) for file in files} | {_name_of(self._pid): own}
        return Counter(version for version in told.values() if version)


def _name_of(pid: int | str) -> str:
    return f"policy_{pid}.txt"


def _read(file: Path) -> str:
    try:
        return file.read_text("ascii")
    except OSError:  # its worker has ended just now
        return ""


def shared_folder() -> Path | None:
    """The folder that the parent has named; None in a process that is alone."""
    named = os.environ.get(VARIABLE)
    return Path(named) if named else None
