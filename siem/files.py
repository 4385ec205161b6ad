"""Generated files: written, or held against what is there."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import Path

Files = Mapping[str, bytes]
"""By path below `siem-samples`, with slashes."""


def write(folder: Path, files: Files) -> None:
    """Write what is different, so that times of files tell something."""
    for name in different(folder, files):
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(files[name])


def different(folder: Path, files: Files) -> list[str]:
    """Names of those that are missing in the folder, or not the same."""
    return [name for name, content in files.items() if not _is(folder / name, content)]


def remove_stale(folder: Path, files: Files) -> list[str]:
    """Remove those; gives their names."""
    names = stale(folder, files)
    for name in names:
        path = folder / name
        shutil.rmtree(path) if path.is_dir() and not path.is_symlink() else path.unlink()
    return names


def stale(folder: Path, files: Files) -> list[str]:
    """Files and folders beside generated ones that nothing generates any more; only in folders named `queries`."""
    kept = {folder / name for name in files}
    places = {path.parent for path in kept if path.parent.name == "queries"}
    return sorted(
        path.relative_to(folder).as_posix()
        for place in places
        if place.is_dir()
        for path in place.iterdir()
        if path not in kept
    )


def _is(path: Path, content: bytes) -> bool:
    return path.is_file() and path.read_bytes() == content
