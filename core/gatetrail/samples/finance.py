"""A small accounts department: invoices, accounts, payroll, the closing of a month."""

from __future__ import annotations

from typing import Literal

import anyio
from mcp.server import MCPServer
from mcp.server.mcpserver.exceptions import ToolError
from pydantic import BaseModel, ConfigDict

FORECAST_TAKES_S = 3.0
"""More than the sample policy's limit for it, so each call ends as `timeout`."""

State = Literal["open", "paid", "disputed"]


class Invoice(BaseModel):
    """One invoice; `amount_cents` is in the smallest unit of `currency`."""

    model_config = ConfigDict(frozen=True)

    number: str
    customer: str
    amount_cents: int
    currency: str
    state: State
    due_on: str


INVOICES: tuple[Invoice, ...] = (
    Invoice(
        number="2026-0117",
        customer="Harbour Mills",
        amount_cents=184_500,
        currency="EUR",
        state="paid",
        due_on="2026-02-14",
    ),
    Invoice(
        number="2026-0118",
        customer="Northwind Dairy",
        amount_cents=92_075,
        currency="EUR",
        state="open",
        due_on="2026-03-01",
    ),
    Invoice(
        number="2026-0119",
        customer="Larch & Sons",
        amount_cents=1_240_000,
        currency="USD",
        state="disputed",
        due_on="2026-03-03",
    ),
    Invoice(
        number="2026-0120",
        customer="Harbour Mills",
        amount_cents=61_300,
        currency="EUR",
        state="open",
        due_on="2026-03-10",
    ),
)

BALANCES_CENTS = {"1200": 4_210_530, "1400": 837_075, "2100": -1_905_000}
UNEXPLAINED_CENTS = {"2100": 1_250}

SALARIES_CENTS = {"2026-01": 21_840_000, "2026-02": 22_115_000}


def finance_server() -> MCPServer:
    """The server, without any gate. Six tools, one resource, one prompt; nothing is kept between calls."""
    server = MCPServer("finance", version="1.0.0", instructions="Invoices and accounts of the sample company.")
    _add_reading(server)
    _add_closing(server)
    _add_documents(server)
    return server


def _add_reading(server: MCPServer) -> None:
    @server.tool()
    def list_invoices(state: State | None = None) -> list[Invoice]:
        """All invoices, or those in one state."""
        return [invoice for invoice in INVOICES if state in {None, invoice.state}]

    @server.tool()
    def get_invoice(number: str) -> Invoice:
        """One invoice by its number."""
        for invoice in INVOICES:
            if invoice.number == number:
                return invoice
        raise ToolError(f"there is no invoice {number}")

    @server.tool()
    async def forecast_cash_flow(weeks: int) -> list[int]:
        """The expected balance in cents at the end of each coming week. Takes its time."""
        await anyio.sleep(FORECAST_TAKES_S)
        return [BALANCES_CENTS["1200"] - week * 35_000 for week in range(1, weeks + 1)]

    @server.tool()
    def export_payroll(month: str) -> int:
        """The sum of all salaries of a month, in cents."""
        return SALARIES_CENTS[month]


def _add_closing(server: MCPServer) -> None:
    @server.tool()
    def reconcile_account(account: str) -> int:
        """Compare an account with the bank; its balance in cents, or an error when the two differ."""
        if unexplained_cents := UNEXPLAINED_CENTS.get(account):
            raise ToolError(f"account {account} differs from the bank by {unexplained_cents} cents")
        return BALANCES_CENTS[account]

    @server.tool()
    def close_books(month: str) -> str:
        """Close a month: nothing can be booked into it afterwards."""
        return f"{month} is closed"


def _add_documents(server: MCPServer) -> None:
    @server.resource("finance://reports/2026-02", mime_type="text/plain")
    def february() -> str:
        """The report of February."""
        total_cents = sum(invoice.amount_cents for invoice in INVOICES if invoice.currency == "EUR")
        return f"February 2026: invoices over {total_cents / 100:,.2f} EUR, one of them disputed."

    @server.prompt()
    def dunning_letter(number: str) -> str:
        """Ask for a polite reminder of an invoice."""
        return f"Write a polite reminder for invoice {number}. Name amount, currency and due date."
