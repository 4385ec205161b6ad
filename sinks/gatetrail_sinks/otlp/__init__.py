"""OTLP logs over HTTP, for OpenTelemetry collectors and for every product that takes OTLP."""

from gatetrail_sinks.otlp.settings import Compression, OtlpSettings
from gatetrail_sinks.otlp.sink import OtlpSink

__all__ = ["Compression", "OtlpSettings", "OtlpSink"]
