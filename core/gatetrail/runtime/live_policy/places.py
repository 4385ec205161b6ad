"""What to watch, so that no way of changing a file is missed: links may stand anywhere on the way to it."""

from __future__ import annotations

import os
from pathlib import Path

MAX_PLACES = 64
"""More links than the kernel follows (path_resolution(7))."""


def places_of(path: Path) -> frozenset[Path]:
    """The file, and each symbolic link on the way to it: whoever changes what the path leads to changes one of these.

    With a Kubernetes volume that is `policy.yaml`, `..data` beside it, and the file in the folder that this leads to.
    """
    found: set[Path] = set()
    left = [path.absolute()]
    while left and len(found) < MAX_PLACES:
        one = left.pop()
        link = _first_link(one)
        if link is None:
            found.add(one)
        elif link not in found:
            found.add(link)
            target = os.path.normpath(link.parent / link.readlink())
            left.append(Path(target) / one.relative_to(link))
    return frozenset(found)


def _first_link(path: Path) -> Path | None:
    """The outermost link on a path; None when there is none, or none that can be seen."""
    for part in (*reversed(path.parents), path):
        try:
            if part.is_symlink():
                return part
        except OSError:
            return None
    return None
