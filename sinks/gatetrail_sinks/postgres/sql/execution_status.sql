SELECT status FROM mcp_tool_executions WHERE execution_id = %(execution_id)s
