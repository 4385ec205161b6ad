"""Where the log of a running service goes: to stderr, apart from the record, without what looks like a secret."""

from __future__ import annotations

import logging
import sys
from collections.abc import Callable

from gatetrail.cli.talk import say, warn
from gatetrail.cli.terminal import printable
from gatetrail.clock import rfc3339
from gatetrail.redaction.log_lines import RedactedLines, redacted_objects
from gatetrail.settings import LogFormat, LogLevel, LogSettings
from gatetrail.traces import REQUEST, TRACE

OWN = ("gatetrail", "uvicorn")
"""Loggers that the settings' level is for; those of other packages tell warnings and worse, unless it is `debug`."""
LAYOUT = "%(timestamp)s %(levelname)s %(name)s: %(message)s%(place)s"
DEFAULTS = LogSettings()

Tell = Callable[[str], None]


def log_to_stderr(settings: LogSettings = DEFAULTS) -> None:
    """Everything that anybody logs, from the settings' level on."""
    handler = logging.StreamHandler(sys.stderr)
    handler.addFilter(placed)
    handler.setFormatter(redacted_objects() if settings.format is LogFormat.JSON else TextLines())
    is_chatty = settings.least is LogLevel.DEBUG
    logging.basicConfig(level=logging.DEBUG if is_chatty else logging.WARNING, handlers=[handler], force=True)
    for name in OWN:
        logging.getLogger(name).setLevel(settings.least.number)


def tellers(settings: LogSettings) -> tuple[Tell, Tell]:
    """How a service says and warns of something, so that who reads objects gets nothing else."""
    if settings.format is LogFormat.TEXT:
        return say, warn
    log = logging.getLogger("gatetrail.service")
    return log.info, log.warning


class TextLines(RedactedLines):
    """One line for each record, whatever is in it; only a traceback goes on, on lines that are indented."""

    def __init__(self) -> None:
        super().__init__(LAYOUT)

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802 -- the library's name
        shown = {"trace": record.__dict__.get("trace_id"), "request": record.__dict__.get("request_id")}
        record.place = "".join(f" {name}={value}" for name, value in shown.items() if value)
        return printable(super().formatMessage(record).replace("\n", "\\n"))

    def formatException(self, ei: object) -> str:  # noqa: N802
        return _indented(super().formatException(ei))  # type: ignore[arg-type]

    def formatStack(self, stack_info: str) -> str:  # noqa: N802
        return _indented(super().formatStack(stack_info))


def placed(record: logging.LogRecord) -> bool:
    """Give a record its time, and the trace and the request in whose context it was made; lets every record pass."""
    record.timestamp = rfc3339(int(record.created * 1_000_000))
    if "trace_id" not in record.__dict__:
        record.trace_id = TRACE.get()
    if "request_id" not in record.__dict__:
        record.request_id = REQUEST.get()
    return True


def _indented(text: str) -> str:
    return "\n".join(f"    {printable(line)}" for line in text.splitlines())
