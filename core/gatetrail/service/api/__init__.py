"""The HTTP API: the record, read by those who may."""

from gatetrail.service.api.api import api_routes
from gatetrail.service.api.documentation import DescribedApp
from gatetrail.service.api.sources import Sources

__all__ = ["DescribedApp", "Sources", "api_routes"]
