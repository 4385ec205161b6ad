"""The gate inside an MCP server: handlers, in-process calls and the HTTP door in front of them."""

from gatetrail.mcp.adapter import Adapter, SupportedServer
from gatetrail.mcp.resumable import SessionLimits

__all__ = ["Adapter", "SessionLimits", "SupportedServer"]
