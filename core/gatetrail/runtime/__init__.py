"""The composition root: settings become running parts here, and only here sinks are named."""

from gatetrail.runtime.gatetrail import Gatetrail
from gatetrail.runtime.records import Records, open_records

__all__ = ["Gatetrail", "Records", "open_records"]
