"""The one door: decide, record, run, record."""

from gatetrail.dispatcher.denial import denial, denial_text
from gatetrail.dispatcher.dispatcher import Dispatcher
from gatetrail.dispatcher.execution import Admitted, Denied, Dispatched, Finished, TimedOut

__all__ = ["Admitted", "Denied", "Dispatched", "Dispatcher", "Finished", "TimedOut", "denial", "denial_text"]
