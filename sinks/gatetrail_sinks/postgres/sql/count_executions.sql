SELECT count(*) FROM mcp_tool_executions
