"""Prints the first folder or file that a user cannot get into, or nothing.

Run as `python -I -S reach.py UID GID PATH...`. It asks the system as that user instead of reading
mode bits, so access lists count too.
"""

import os
import sys
from pathlib import Path


def main(uid: int, gid: int, paths: list[Path]) -> None:
    """Walks down to each path and stops at the first closed step."""
    os.setgroups([])
    os.setgid(gid)
    os.setuid(uid)
    for path in paths:
        for step in (*reversed(path.parents), path):
            if not os.access(step, os.R_OK if step.is_file() else os.X_OK):
                print(step)  # noqa: T201
                return


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]), [Path(path) for path in sys.argv[3:]])
