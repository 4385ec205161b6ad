"""Holds every key and every word of a closed list, in whatever language it is asked for, against `schemas/v1`."""

from siem.proof.lint.faults import Fault, faults
from siem.proof.lint.sources import Dialect, Source, all_sources

__all__ = ["Dialect", "Fault", "Source", "all_sources", "faults"]
