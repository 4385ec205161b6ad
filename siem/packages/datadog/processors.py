"""Datadog's processors, as we read their documentation; Datadog has not run them for us.

https://docs.datadoghq.com/logs/log_configuration/processors/ and, for what happens to JSON before,
https://docs.datadoghq.com/logs/log_configuration/pipelines/#preprocessing. Searches of category processors are asked of
Vector's matcher. The parsers of user agents and addresses are left out: their tables are Datadog's own.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from siem.golden import Event
from siem.proof.matchers.datadog import compiled

STATUS_KEYS = ("status", "severity", "level", "syslog.severity")
"""From the first of these that an event has, its level is read before any pipeline."""

DATE_KEYS = (
    "@timestamp",
    "timestamp",
    "_timestamp",
    "Timestamp",
    "eventTime",
    "date",
    "published_date",
    "syslog.timestamp",
)
RESERVED_KEYS = ("host", "hostname", "syslog.hostname", "service", "syslog.appname", "ddsource", "dd.trace_id")
"""Further keys that are taken for something else than an attribute."""

_STATUSES: Sequence[tuple[str, str]] = (
    (r"emerg|f", "emergency"),
    (r"a", "alert"),
    (r"c", "critical"),
    (r"err", "error"),
    (r"w", "warn"),
    (r"n", "notice"),
    (r"i", "info"),
    (r"d|t|v", "debug"),
    (r"o|s", "ok"),
)
"""First letters to level; what begins otherwise is `info`."""


@dataclass
class Log:
    """A log entry on its way through a pipeline."""

    attributes: dict[str, Any]
    message: str = ""
    status: str = "info"
    timestamp_ms: int = 0
    trace_id: str | None = None
    decided: set[str] = field(default_factory=set[str])
    """Remappers of which only the first counts."""


def received(event: Event) -> Log:
    """What preprocessing of JSON makes of an event: `message` becomes the body, all else attributes."""
    attributes = {key: value for key, value in event.items() if key != "message"}
    log = Log(attributes, message=str(event.get("message", "")))
    for key in STATUS_KEYS:
        if key in event:
            log.status = status_of(event[key])
            break
    for key in DATE_KEYS:
        if key in event:
            log.timestamp_ms = milliseconds(event[key])
            break
    return log


def processed(pipeline: Mapping[str, Any], event: Event) -> Log:
    """The entry after a pipeline as the API takes it. Raises KeyError for a processor that is not known here."""
    log = received(event)
    if compiled(pipeline["filter"]["query"])(log.attributes):
        for processor in pipeline["processors"]:
            _PROCESSORS[processor["type"]](processor, log)
    return log


def status_of(value: Any) -> str:
    """The level that a value stands for."""
    found = (level for start, level in _STATUSES if re.match(start, str(value), re.IGNORECASE))
    return next(found, "info")


def milliseconds(value: str) -> int:
    """Since 1970; what is finer is lost to the official date, and stays in the attribute."""
    return int(datetime.fromisoformat(value).timestamp() * 1000)


def value_at(attributes: Mapping[str, Any], path: str) -> Any:
    """Of a nested attribute by its path; None where there is none."""
    found: Any = attributes
    try:
        for step in path.split("."):
            found = found[step]
    except (KeyError, TypeError):
        return None
    return found


def _put(attributes: dict[str, Any], path: str, value: Any) -> None:
    *steps, last = path.split(".")
    for step in steps:
        attributes = attributes.setdefault(step, {})
    attributes[last] = value


def _first(processor: Mapping[str, Any], log: Log) -> Any:
    return next((value for path in processor["sources"] if (value := value_at(log.attributes, path)) is not None), None)


def _date(processor: Mapping[str, Any], log: Log) -> None:
    value = _first(processor, log)
    log.timestamp_ms = log.timestamp_ms if value is None else milliseconds(value)


def _status(processor: Mapping[str, Any], log: Log) -> None:
    value = _first(processor, log)
    if value is not None and "status" not in log.decided:
        log.decided.add("status")
        log.status = status_of(value)


def _message(processor: Mapping[str, Any], log: Log) -> None:
    value = _first(processor, log)
    if value is not None and "message" not in log.decided:
        log.decided.add("message")
        log.message = str(value)


def _trace(processor: Mapping[str, Any], log: Log) -> None:
    value = _first(processor, log)
    log.trace_id = log.trace_id if value is None else str(value)


def _remap(processor: Mapping[str, Any], log: Log) -> None:
    value = _first(processor, log)
    taken = value_at(log.attributes, processor["target"]) is not None
    if value is None or (taken and not processor["override_on_conflict"]):
        return
    _put(log.attributes, processor["target"], value)
    if not processor["preserve_source"]:
        for source in processor["sources"]:
            log.attributes.pop(source, None)


def _categorise(processor: Mapping[str, Any], log: Log) -> None:
    for category in processor["categories"]:
        if compiled(category["filter"]["query"])(log.attributes):
            _put(log.attributes, processor["target"], category["name"])
            return


def _multiply(processor: Mapping[str, Any], log: Log) -> None:
    """Formulas of the form `key * number`, which is all that we have."""
    key, _, factor = str(processor["expression"]).partition(" * ")
    value = value_at(log.attributes, key)
    if isinstance(value, int | float):
        _put(log.attributes, processor["target"], round(float(value) * float(factor), 9))


def _skip(processor: Mapping[str, Any], log: Log) -> None:
    """What Datadog's tables know is added by Datadog alone."""


_PROCESSORS: Mapping[str, Callable[[Mapping[str, Any], Log], None]] = {
    "date-remapper": _date,
    "status-remapper": _status,
    "message-remapper": _message,
    "trace-id-remapper": _trace,
    "attribute-remapper": _remap,
    "category-processor": _categorise,
    "arithmetic-processor": _multiply,
    "user-agent-parser": _skip,
    "geo-ip-parser": _skip,
}
