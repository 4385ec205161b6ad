"""Fluentd and Fluent Bit: batches over the forward protocol, each acknowledged before the cursor moves."""

from gatetrail_sinks.fluentd.settings import FluentdReceiver, FluentdSettings
from gatetrail_sinks.fluentd.sink import FluentdSink

__all__ = ["FluentdReceiver", "FluentdSettings", "FluentdSink"]
