"""Metrics of several worker processes on one port: each keeps its numbers in files, whichever is asked adds them up.

The parent makes one `SharedMetrics` before it starts workers, gives each of them its `environment`, and calls `forget`
whenever one has ended. The workers have to be fresh interpreters, not forks: prometheus_client decides when it is
imported. The folder goes with the service, so that the next one begins with zeros.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
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
        for file in self.folder.glob(f"gauge_live*_{pid}.db"):
            file.unlink(missing_ok=True)


def shared_folder() -> Path | None:
    """The folder that the parent has named; None in a process that is alone."""
    named = os.environ.get(VARIABLE)
    return Path(named) if named else None
