"""Token buckets that several processes share, and what holds while their store is away."""

from gatetrail.rates.group import Ask, Grouped, GroupSettings
from gatetrail.rates.local import LocalRates
from gatetrail.rates.shared import RateObserver, RateReport, SharedRates
from gatetrail.rates.store import RateStore

__all__ = ["Ask", "GroupSettings", "Grouped", "LocalRates", "RateObserver", "RateReport", "RateStore", "SharedRates"]
