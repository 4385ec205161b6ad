"""Where the log of a running service goes."""

from __future__ import annotations

import logging
import sys

from gatetrail.redaction.log_lines import RedactedLines


def log_to_stderr() -> None:
    """Warnings and worse, of everybody, as lines on stderr, without what looks like a secret."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(RedactedLines("%(asctime)s %(levelname)s %(name)s: %(message)s"))
    logging.basicConfig(level=logging.WARNING, handlers=[handler], force=True)
