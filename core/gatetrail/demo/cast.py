"""The callers of the demo. Together they meet every gate of the sample policy, one failure and one time limit."""

from __future__ import annotations

from gatetrail.demo.party import Ask, Era, Party, Proof
from gatetrail.identity.tiers import Tier

_LIST_INVOICES = Ask("finance", "list_invoices", {"state": "open"})
_GET_INVOICE = Ask("finance", "get_invoice", {"number": "2026-0118"})
_CLOSE_BOOKS = Ask("finance", "close_books", {"month": "2026-02"})
_EXPORT_PAYROLL = Ask("finance", "export_payroll", {"month": "2026-02"})
_FORECAST = Ask("finance", "forecast_cash_flow", {"weeks": 4})
_RECONCILE = Ask("finance", "reconcile_account", {"account": "1200"})
_RECONCILE_BROKEN = Ask("finance", "reconcile_account", {"account": "2100"})
_STATUS = Ask("engineering", "service_status")
_RUNBOOKS = Ask("engineering", "search_runbooks", {"words": "restart queue"})
_DEPLOYMENTS = Ask("engineering", "list_deployments")
_RESTART = Ask("engineering", "restart_service", {"service": "search"})
_RESTART_LEDGER = Ask("engineering", "restart_service", {"service": "ledger"})
_ROTATE_SECRET = Ask("engineering", "rotate_secret", {"service": "mailer"})

_ENGINEERING = ("engineering:read", "engineering:write")
_ALL_SCOPES = ("finance:read", "finance:close", *_ENGINEERING, "engineering:admin")

ANN = Proof("ann", Tier.USER, "finance", ("finance:read",))
ONLOOKER = Proof("onlooker", Tier.USER, roles=("auditor",))
"""Whoever watches the demo: sees everything, may call little."""

ANALYST = Party(
    name="analyst",
    share=8,
    proof=ANN,
    highlights=(_RECONCILE_BROKEN, _FORECAST, _EXPORT_PAYROLL, _CLOSE_BOOKS),
    routine=(_LIST_INVOICES, _GET_INVOICE, _RECONCILE),
)
ENGINEER = Party(
    name="engineer",
    share=6,
    proof=Proof("eli", Tier.USER, "engineering", _ENGINEERING),
    highlights=(_RESTART_LEDGER, _ROTATE_SECRET, _LIST_INVOICES),
    routine=(_DEPLOYMENTS, _RUNBOOKS, _RESTART),
    era=Era.HANDSHAKE,
)
ADMINISTRATOR = Party(
    name="administrator",
    share=5,
    proof=Proof("ada", Tier.ADMIN, "finance", _ALL_SCOPES),
    highlights=(_CLOSE_BOOKS, _ROTATE_SECRET, _EXPORT_PAYROLL),
    routine=(_STATUS, _LIST_INVOICES),
)
SERVICE = Party(
    name="nightly-agent",
    share=6,
    proof=Proof("nightly-agent", Tier.SERVICE, None, ("finance:read", *_ENGINEERING)),
    highlights=(_RESTART, _LIST_INVOICES),
    routine=(_GET_INVOICE, _DEPLOYMENTS),
    era=Era.HANDSHAKE,
)
VISITOR = Party(
    name="visitor",
    share=3,
    proof=None,
    highlights=(_STATUS, _RUNBOOKS),
    routine=(_STATUS,),
)
SCANNER = Party(
    name="sqlmap",
    share=2,
    proof=None,
    highlights=(),
    routine=(_STATUS,),
    era=Era.STRAIGHT,
    user_agent="sqlmap/1.8#stable (https://sqlmap.org)",
)
RUNAWAY = Party(
    name="runaway-agent",
    share=8,
    proof=Proof("runaway-agent", Tier.MCP, None, ("engineering:read",)),
    highlights=(),
    routine=(_RUNBOOKS,),
    all_at_once=True,
)
PROMOTED = Party(
    name="token-swapper",
    share=2,
    proof=Proof("bo", Tier.USER, "finance", ("finance:read",)),
    highlights=(_LIST_INVOICES,),
    routine=(_CLOSE_BOOKS, _LIST_INVOICES),
    era=Era.HANDSHAKE,
    later_proof=Proof("bo", Tier.ADMIN, "finance", _ALL_SCOPES),
)

CAST = (ANALYST, ENGINEER, ADMINISTRATOR, SERVICE, VISITOR, SCANNER, RUNAWAY, PROMOTED)
"""In the order of the table."""
