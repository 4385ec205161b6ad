"""What the service says of itself, apart from the record."""

from __future__ import annotations

import logging
from enum import StrEnum

from pydantic import BaseModel, ConfigDict, Field


class LogFormat(StrEnum):
    """What a line on stderr looks like."""

    TEXT = "text"
    """For people."""
    JSON = "json"
    """One object a line, for programs."""


class LogLevel(StrEnum):
    """From talkative to quiet."""

    DEBUG = "debug"
    INFO = "info"
    """Requests too."""
    WARNING = "warning"
    ERROR = "error"

    @property
    def number(self) -> int:
        """As the standard library counts."""
        return int(logging.getLevelNamesMapping()[self.value.upper()])


class LogSettings(BaseModel):
    """Lines on stderr, without what looks like a secret."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    format: LogFormat = Field(default=LogFormat.TEXT, examples=["json"])
    level: LogLevel | None = Field(default=None, examples=["info"])
    """Of Gatetrail and its HTTP server; other packages tell warnings and worse, unless this is `debug`.
    None: `warning` as text, `info` as JSON."""

    @property
    def least(self) -> LogLevel:
        """The level that is in force."""
        if self.level is not None:
            return self.level
        return LogLevel.INFO if self.format is LogFormat.JSON else LogLevel.WARNING
