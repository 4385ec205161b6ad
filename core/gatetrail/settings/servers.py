"""MCP servers that the service puts behind the gate."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field


class HostedServer(BaseModel):
    """An MCP server of ours that `serve` hosts."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    python: str = Field(pattern=r"^[A-Za-z_][\w.]*:[A-Za-z_]\w*$")
    """`package.module:object`, the object being an MCPServer, a low-level Server or a FastMCP."""
