"""The sinks of service.yaml: what each type wants to know, and how one is made from that."""

from __future__ import annotations

from typing import Annotated, Any, Literal, assert_never

from pydantic import BaseModel, Field, PlainValidator, TypeAdapter, ValidationError, WithJsonSchema

from gatetrail.delivery.sink import Sink, Start, StartingPoint, starting_point
from gatetrail.errors import SettingsInvalid
from gatetrail.formats.choice import Format, render_of
from gatetrail_sinks.file import FileSettings, FileSink
from gatetrail_sinks.fluentd import FluentdSettings, FluentdSink
from gatetrail_sinks.otlp import OtlpSettings, OtlpSink
from gatetrail_sinks.syslog import SyslogSettings, SyslogSink


def _start(value: object) -> StartingPoint:
    try:
        return starting_point(value)
    except ValueError:
        raise ValueError(f"{value!r}; expected beginning, now, or a time such as 2026-01-31T08:00:00Z") from None


Beginning = Annotated[
    StartingPoint,
    PlainValidator(_start),
    WithJsonSchema(
        {"type": "string", "default": "beginning", "examples": ["beginning", "now", "2026-01-31T08:00:00Z"]}
    ),
]


class EverySink(BaseModel):
    """What can be said of a sink of any type."""

    start: Beginning = Start.BEGINNING
    """Where a sink that was never seen before begins: `beginning`, `now`, or an RFC 3339 time."""
    format: Format = Format.JSON
    """What an event looks like outside. `json` are the journal's own bytes."""


class FileOptions(EverySink, FileSettings):
    """JSON lines in a local file."""

    type: Literal["file"]


class FluentdOptions(EverySink, FluentdSettings):
    """The forward protocol of Fluentd and Fluent Bit, with acknowledgements."""

    type: Literal["fluentd"]


class SyslogOptions(EverySink, SyslogSettings):
    """RFC 5424 over UDP, TCP, TLS or RELP."""

    type: Literal["syslog"]


class OtlpOptions(EverySink, OtlpSettings):
    """OpenTelemetry logs over HTTP."""

    type: Literal["otlp"]


SinkOptions = Annotated[FileOptions | FluentdOptions | SyslogOptions | OtlpOptions, Field(discriminator="type")]

TYPES = ("file", "fluentd", "syslog", "otlp")

SINK_OPTIONS: TypeAdapter[SinkOptions] = TypeAdapter(SinkOptions)


def parse_sink(name: str, options: dict[str, Any]) -> SinkOptions:
    """The options of one sink. Raises `SettingsInvalid` with one line for each thing that is wrong."""
    if options.get("type") not in TYPES:
        raise SettingsInvalid(
            f"sinks.{name}.type: {options.get('type')!r} is no type of sink; expected {', '.join(TYPES)}"
        )
    try:
        return SINK_OPTIONS.validate_python(options)
    except ValidationError as problem:
        lines = [_explained(name, error["loc"], error["msg"]) for error in problem.errors(include_input=False)]
        raise SettingsInvalid("\n".join(lines)) from None


def make_sink(name: str, options: SinkOptions) -> Sink:
    """The sink. Raises `SettingsInvalid` when something that it needs is not installed."""
    render = render_of(options.format)
    match options:
        case FileOptions():
            return FileSink(name, options, render)
        case FluentdOptions():
            return FluentdSink(name, options, render)
        case SyslogOptions():
            return SyslogSink(name, options, render)
        case OtlpOptions():
            return OtlpSink(name, options, render)
        case _:
            assert_never(options)


def _explained(name: str, where: tuple[int | str, ...], message: str) -> str:
    # The first part below the sink is the type that the union has chosen, which no file spells there.
    path = ".".join(["sinks", name, *(str(part) for part in where[1:])])
    return f"{path}: {message.removeprefix('Value error, ')}"
