"""Tracing, set up for this process: the MCP SDK makes the spans, a thread of their own sends them."""

from __future__ import annotations

import asyncio
import logging
import os
import threading
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from importlib.metadata import version
from typing import TYPE_CHECKING

from opentelemetry import trace

from gatetrail.dispatcher.observer import Observer
from gatetrail.errors import SettingsInvalid
from gatetrail.mcp.spans import SpanObserver, is_traced
from gatetrail.redaction.log_lines import plain_redaction
from gatetrail.settings import TraceSettings
from gatetrail.settings.values import FromEnvironment, FromFile, Value

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import TracerProvider

log = logging.getLogger("gatetrail.traces")

LAST_WORDS_S = 3.0
"""So long the end waits for what was not sent yet."""
QUEUE_SPANS = 8_192
"""Spans that wait for being sent; more push out the oldest."""


@asynccontextmanager
async def tracing(settings: TraceSettings | None, instance_id: str) -> AsyncGenerator[Observer | None]:
    """Trace for as long as the block lasts, and give who writes upon the spans; None when nobody traces.

    A host program that has set up OpenTelemetry itself is traced as it wants. Raises `SettingsInvalid`.
    """
    if settings is None or is_traced():
        if settings is not None:
            log.warning("traces: this program has set up OpenTelemetry itself; our settings do not count")
        yield SpanObserver() if is_traced() else None
        return
    provider = _provider(settings, instance_id)
    trace.set_tracer_provider(provider)
    try:
        yield SpanObserver()
    finally:
        await _end(provider)


def _provider(settings: TraceSettings, instance_id: str) -> TracerProvider:
    try:
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
        from opentelemetry.sdk.resources import Resource
        from opentelemetry.sdk.trace import TracerProvider
        from opentelemetry.sdk.trace.export import BatchSpanProcessor
        from opentelemetry.sdk.trace.sampling import ParentBased, TraceIdRatioBased

        from gatetrail.runtime.tidy_spans import TidySpans, WithoutProbes
    except ImportError as problem:
        raise SettingsInvalid(
            f"traces: need packages that are not installed ({problem.name}): pip install 'gatetrail[otel]'"
        ) from None
    resource = Resource.create(
        {
            "service.name": settings.service_name,
            "service.version": version("gatetrail"),
            "service.instance.id": instance_id,
        }
    )
    headers, timeout_s = headers_of(settings, os.environ), settings.timeout_ms / 1000
    exporter = OTLPSpanExporter(endpoint=settings.endpoint, headers=headers, timeout=timeout_s)
    sampler = ParentBased(WithoutProbes(TraceIdRatioBased(settings.sample_ratio)))
    provider = TracerProvider(sampler=sampler, resource=resource, shutdown_on_exit=False)
    tidy = TidySpans(exporter, plain_redaction())
    provider.add_span_processor(BatchSpanProcessor(tidy, max_queue_size=QUEUE_SPANS))
    return provider


def headers_of(settings: TraceSettings, environment: Mapping[str, str]) -> dict[str, str]:
    """The headers as they are sent. Raises `SettingsInvalid`, which never holds a value."""
    given = settings.headers.items()
    return {name.lower(): _revealed(f"traces.headers.{name}", value, environment) for name, value in given}


def _revealed(where: str, value: Value, environment: Mapping[str, str]) -> str:
    match value:
        case FromEnvironment(from_env=variable, prefix=prefix):
            if variable not in environment:
                raise SettingsInvalid(f"{where}: the variable {variable} is not set")
            text = prefix + environment[variable]
        case FromFile(from_file=path, prefix=prefix):
            try:
                text = prefix + path.read_text("utf-8").rstrip("\r\n")
            except (OSError, UnicodeDecodeError) as problem:
                raise SettingsInvalid(f"{where}: {path} cannot be read: {type(problem).__name__}") from None
        case _:
            text = value.get_secret_value()
    if not text.isascii() or not text.isprintable() or text != text.strip():
        raise SettingsInvalid(f"{where}: the value must be printable ASCII without space around it")
    return text


async def _end(provider: TracerProvider) -> None:
    """Send what is left, but wait for nobody: a thread that hangs on must not hold up the end of the process."""
    ending = threading.Thread(target=provider.shutdown, name="gatetrail traces end", daemon=True)
    ending.start()
    await asyncio.to_thread(ending.join, LAST_WORDS_S)
