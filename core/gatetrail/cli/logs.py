"""Where the log of a running service goes."""

from __future__ import annotations

import logging
import sys


def log_to_stderr() -> None:
    """Warnings and worse, of everybody, as lines on stderr."""
    logging.basicConfig(
        stream=sys.stderr, level=logging.WARNING, format="%(asctime)s %(levelname)s %(name)s: %(message)s", force=True
    )
