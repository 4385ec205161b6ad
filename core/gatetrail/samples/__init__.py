"""Two small MCP servers and the policy over them: what the demo shows, and a first thing to copy from."""
