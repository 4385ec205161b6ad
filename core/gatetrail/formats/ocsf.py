"""An event in OCSF 1.8.0.

`gatetrail.formats.ocsf_classes` says which class each kind is. Keys that a class has no place for stand under
`unmapped`, with their own names; so do those that a later version adds. OCSF takes whole milliseconds: the whole
time is `metadata.original_time`, the exact latency `unmapped.latency_ms`.

`status_code` is the reason's code where there is one, except for the mere `allowed`; else our word for where
the call stands.
"""

from __future__ import annotations

from functools import lru_cache

from gatetrail.events.journal import Entry
from gatetrail.formats.keys import Keys, read
from gatetrail.formats.moments import epoch_ms
from gatetrail.formats.ocsf_bodies import put_body
from gatetrail.formats.ocsf_classes import Activity, activity_of
from gatetrail.formats.ocsf_parts import PRODUCT, Object, without_absent
from gatetrail.formats.outcomes import Outcome, outcome_of
from gatetrail.formats.texts import json_line
from gatetrail.severity import SEVERITIES
from gatetrail.words import Level, ReasonCode

OCSF_VERSION = "1.8.0"
LOG_NAME = "gatetrail.audit"

STATUSES = {
    Outcome.UNKNOWN: (0, "Unknown"),
    Outcome.SUCCESS: (1, "Success"),
    Outcome.FAILURE: (2, "Failure"),
}


def ocsf(entry: Entry) -> bytes:
    """The event as one line of JSON. Raises ValueError for what is no event of ours."""
    return json_line(ocsf_object(entry.line))


def ocsf_object(line: bytes) -> Object:
    """The OCSF 1.8.0 event of a native line."""
    keys = read(line)
    moment_ms = epoch_ms(keys.look("@timestamp") or "")
    told = _base(keys, activity_of(keys.kind, keys.event_name), moment_ms)
    put_body(keys, told, moment_ms)
    rest = keys.rest()
    if rest:
        told["unmapped"] = rest
    return told


def _base(keys: Keys, activity: Activity, moment_ms: int) -> Object:
    """What every class has."""
    timestamp = keys.needed("@timestamp")
    level = Level(keys.needed("level"))
    severity = SEVERITIES[level]
    keys.take("severity_id")
    status_id, status = STATUSES[outcome_of(keys)]
    return _classified(activity) | without_absent(
        time=moment_ms,
        time_dt=timestamp,
        severity_id=severity.ocsf_id,
        severity=severity.ocsf_caption,
        status_id=status_id,
        status=status,
        status_code=_status_code(keys),
        status_detail=keys.text("error_class") if keys.look("reason") is None else keys.text("reason"),
        message=keys.needed("message"),
        metadata=_metadata(keys, timestamp, level, activity),
    )


@lru_cache(maxsize=64)
def _classified(activity: Activity) -> Object:
    return {
        "class_uid": activity.of.uid,
        "class_name": activity.of.name,
        "category_uid": activity.of.category_uid,
        "category_name": activity.of.category_name,
        "activity_id": activity.id,
        "activity_name": activity.name,
        "type_uid": activity.type_uid,
        "type_name": f"{activity.of.name}: {activity.name}",
    }


def _status_code(keys: Keys) -> str | None:
    if keys.look("reason_code") not in {None, ReasonCode.ALLOWED.value}:
        return keys.text("reason_code")
    return keys.text("execution_status")


def _metadata(keys: Keys, timestamp: str, level: Level, activity: Activity) -> Object:
    keys.take("vendor_product")
    product = without_absent(name=PRODUCT, vendor_name=PRODUCT, version=keys.text("product_version"))
    instance = keys.text("instance_id")
    return without_absent(
        version=OCSF_VERSION,
        profiles=list(activity.of.profiles),
        uid=keys.needed("event_id"),
        event_code=keys.needed("event_name"),
        original_time=timestamp,
        log_name=LOG_NAME,
        log_level=level.value,
        log_version=keys.text("schema_version"),
        correlation_uid=keys.text("task_id"),
        sequence=keys.number("seq"),
        product=product,
        reporter={"name": PRODUCT, "uid": instance} if instance is not None else None,
    )
