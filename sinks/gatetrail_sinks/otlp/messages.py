"""OTLP's own messages: requests made, answers read. The one file that needs OpenTelemetry's package.

Not the SDK's exporter, which would tell us too little: it never reads `partial_success`, takes a redirect for
a success, drops an attribute that it cannot encode with no more than a word in its log, and tries again on its own.
"""

from __future__ import annotations

import gzip
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import assert_never

from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import (
    ExportLogsPartialSuccess,
    ExportLogsServiceRequest,
    ExportLogsServiceResponse,
)
from opentelemetry.proto.common.v1.common_pb2 import AnyValue
from opentelemetry.proto.logs.v1.logs_pb2 import LogRecord, SeverityNumber
from opentelemetry.proto.resource.v1.resource_pb2 import Resource
from pydantic import BaseModel, Field, ValidationError

from gatetrail.formats.otel import SCHEMA_URL, SERVICE_NAME, Attribute, OtelRecord, OtelResource

CONTENT_TYPE = "application/x-protobuf"


@dataclass(frozen=True, slots=True)
class Letter:
    """One event, ready to be put into a request."""

    seq: int
    resource: OtelResource
    record: LogRecord


@dataclass(frozen=True, slots=True)
class Rejection:
    """What an answer of success says about records that were not taken; none of them: `count` is 0."""

    count: int
    message: str


class _JsonPartialSuccess(BaseModel):
    rejected_log_records: int = Field(default=0, alias="rejectedLogRecords")  # a text, as all 64 bit numbers
    error_message: str = Field(default="", alias="errorMessage")


class _JsonAnswer(BaseModel):
    partial_success: _JsonPartialSuccess = Field(default=_JsonPartialSuccess(), alias="partialSuccess")


def letter(seq: int, record: OtelRecord, observed_ns: int) -> Letter:
    """Encode one record. Raises ValueError for what protobuf cannot carry, such as an integer of 65 bits."""
    message = LogRecord(
        time_unix_nano=record.time_unix_nano,
        observed_time_unix_nano=observed_ns,
        severity_number=SeverityNumber.ValueType(record.severity.otel_number),
        severity_text=record.severity.otel_text,
        trace_id=record.trace_id,
        span_id=record.span_id,
        event_name=record.event_name,
    )
    message.body.string_value = record.body
    # In place: a message that is made first and then put into another is copied, which takes three times as long.
    for key, value in record.attributes.items():
        _put(message.attributes.add(key=key).value, value)
    return Letter(seq, record.resource, message)


def request(letters: Sequence[Letter], *, packed: bool) -> bytes:
    """The body of a request, in the order of the letters, which may come from several processes."""
    message = ExportLogsServiceRequest()
    for resource, run in groupby(letters, key=lambda letter: letter.resource):
        outer = message.resource_logs.add()
        _describe(outer.resource, resource)
        inner = outer.scope_logs.add(schema_url=SCHEMA_URL)
        inner.scope.name, inner.scope.version = SERVICE_NAME, resource.service_version
        inner.log_records.extend([letter.record for letter in run])
    body = message.SerializeToString()
    return gzip.compress(body, compresslevel=6, mtime=0) if packed else body


def rejection(content_type: str, body: bytes) -> Rejection:
    """What an answer with a status of success says. Raises ValueError when it is no OTLP answer."""
    if content_type == "application/json":
        return _rejection_in_json(body)
    if body and content_type != CONTENT_TYPE:
        raise ValueError(f"it is {content_type or 'of no type'}, expected {CONTENT_TYPE}")
    try:
        told = ExportLogsServiceResponse.FromString(body).partial_success
    except Exception:  # noqa: BLE001 DecodeError is meant, which stands in a package without types
        raise ValueError("it is no ExportLogsServiceResponse") from None
    return Rejection(told.rejected_log_records, told.error_message)


def _rejection_in_json(body: bytes) -> Rejection:
    try:
        told = _JsonAnswer.model_validate_json(body or b"{}").partial_success
    except ValidationError:
        raise ValueError("it is no ExportLogsServiceResponse in JSON") from None
    return Rejection(told.rejected_log_records, told.error_message)


def failure_text(body: bytes) -> str:
    """The message of a google.rpc.Status, which comes with a failure; "" when it is none."""
    # Its first two fields are a number and a text, as those of this message: no other package is needed.
    try:
        return str(ExportLogsPartialSuccess.FromString(body).error_message)
    except Exception:  # noqa: BLE001 DecodeError again
        return ""


def _describe(message: Resource, resource: OtelResource) -> None:
    attributes = {
        "service.name": SERVICE_NAME,
        "service.version": resource.service_version,
        "service.instance.id": resource.service_instance_id,
    }
    for key, value in attributes.items():
        _put(message.attributes.add(key=key).value, value)


def _put(target: AnyValue, value: Attribute) -> None:
    match value:
        case str():
            target.string_value = value
        case bool():
            target.bool_value = value
        case int():
            target.int_value = value
        case float():
            target.double_value = value
        case list():
            target.array_value.SetInParent()
            for part in value:
                target.array_value.values.add(string_value=part)
        case _:
            assert_never(value)
