"""The MCP servers behind the gate: real ones, whose tools take time by moving the clock."""

from __future__ import annotations

from typing import Any

from mcp.server.lowlevel import Server
from mcp_types import (
    CallToolRequestParams,
    CallToolResult,
    ListToolsResult,
    PaginatedRequestParams,
    TextContent,
    Tool,
)

from gatetrail.testing import ManualClock

SERVERS = ("finance", "engineering", "people", "warehouse")
ODD_TOOLS = ("read*", "50%_off", "a|b", 'say "please"', "C:\\temp\\run", "übersicht_größe", "sum(x)=1", "$HOME", "名前")
"""Names that a query's text has to quote."""
TOOLS = {
    "finance": (
        "list_invoices",
        "get_invoice",
        "reconcile_account",
        "forecast_cash_flow",
        "export_payroll",
        "close_books",
        "approve_payment",
        *ODD_TOOLS,
    ),
    "engineering": (
        "service_status",
        "search_runbooks",
        "list_deployments",
        "restart_service",
        "rotate_secret",
        "run_smoke_tests",
        "drop_table",
        "wipe_cache",
        "list_invoices",
    ),
    "people": ("find_colleague", "read_review", "change_salary", "plan_holidays", "end_contract"),
    "warehouse": ("count_stock", "move_pallet", "order_parts", "open_gate", "scrap_lot", "rotate_secret"),
}
"""What lists show. A server takes calls of other names, too: it says that there is no such tool."""


class House:
    """Servers of one process. What a tool does next is said before the call: how long it takes, how it ends."""

    def __init__(self, clock: ManualClock) -> None:
        self._clock = clock
        self.takes_ms = 0.0
        self.fails = False
        self.servers: dict[str, Any] = {name: self._server(name) for name in SERVERS}

    def _server(self, name: str) -> Server[Any]:
        async def list_tools(_context: Any, _params: PaginatedRequestParams | None) -> ListToolsResult:
            return ListToolsResult(tools=[Tool(name=tool, input_schema={"type": "object"}) for tool in TOOLS[name]])

        async def call_tool(_context: Any, params: CallToolRequestParams) -> CallToolResult:
            if params.name not in TOOLS[name]:
                raise ValueError(f"there is no {params.name}")
            self._clock.advance(self.takes_ms / 1000)
            return CallToolResult(content=[TextContent(text="done")], is_error=self.fails)

        return Server(name, version="1.0", on_list_tools=list_tools, on_call_tool=call_tool)
