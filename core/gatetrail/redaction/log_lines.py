"""Log lines without secrets, whoever wrote them: drivers and SDKs tell what went wrong in their own words."""

from __future__ import annotations

import logging

from gatetrail.policy.redaction import RedactionPolicy
from gatetrail.redaction.finder import Finder
from gatetrail.redaction.marks import Marks


class RedactedLines(logging.Formatter):
    """Formats as its base does, tracebacks included, and masks what looks like a secret by the built-in shapes."""

    def __init__(self, layout: str) -> None:
        super().__init__(layout)
        # Nothing is hashed by default: the key is never used.
        self._finder = Finder(RedactionPolicy(), Marks(b""))

    def format(self, record: logging.LogRecord) -> str:
        line = super().format(record)
        return self._finder.redacted(line, len(line))
