"""Token buckets in Valkey, for processes on several machines. Needs the extra `valkey`."""

from gatetrail_sinks.valkey.connection import ValkeyAddress
from gatetrail_sinks.valkey.rates import open_rates

__all__ = ["ValkeyAddress", "open_rates"]
