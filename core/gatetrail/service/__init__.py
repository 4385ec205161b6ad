"""The gate as a service: HTTP in front of hosted MCP servers, and how it is served and ended."""
