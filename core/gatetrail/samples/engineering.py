"""A small operations team: services, deployments, runbooks, secrets."""

from __future__ import annotations

import anyio
from mcp.server import MCPServer
from mcp.server.mcpserver.exceptions import ToolError
from pydantic import BaseModel, ConfigDict

SMOKE_TESTS_TAKE_S = 3.0
"""More than the sample policy's limit for them, so each run ends as `timeout`."""


class Deployment(BaseModel):
    """What runs where since when (RFC 3339)."""

    model_config = ConfigDict(frozen=True)

    service: str
    version: str
    deployed_at: str


DEPLOYMENTS = (
    Deployment(service="ledger", version="4.2.0", deployed_at="2026-02-26T08:12:00Z"),
    Deployment(service="search", version="1.19.3", deployed_at="2026-03-02T14:40:00Z"),
    Deployment(service="mailer", version="2.0.1", deployed_at="2026-03-04T09:05:00Z"),
)

RUNBOOKS = {
    "Ledger does not answer": "Look at replication lag first. Never restart the ledger while it replays.",
    "Search is slow": "Check the size of the index; rebuild it in the night.",
    "Mailer queue grows": "See whether the relay refuses us. The queue survives a restart.",
}

WITHOUT_REPLICA = frozenset({"ledger"})


def engineering_server() -> MCPServer:
    """The server, without any gate. Six tools, one resource, one prompt; nothing is kept between calls."""
    server = MCPServer("engineering", version="1.0.0", instructions="Services of the sample company.")
    _add_reading(server)
    _add_changing(server)
    _add_documents(server)
    return server


def _add_reading(server: MCPServer) -> None:
    @server.tool()
    def service_status() -> dict[str, str]:
        """Whether each service is up."""
        return {deployment.service: "up" for deployment in DEPLOYMENTS}

    @server.tool()
    def search_runbooks(words: str) -> list[str]:
        """The titles of runbooks that hold one of the words."""
        wanted = words.casefold().split()
        found = ((title, f"{title} {text}".casefold()) for title, text in RUNBOOKS.items())
        return [title for title, text in found if any(word in text for word in wanted)]

    @server.tool()
    def list_deployments() -> list[Deployment]:
        """What runs, and since when."""
        return list(DEPLOYMENTS)

    @server.tool()
    async def run_smoke_tests(service: str) -> str:
        """Try a service from outside. Takes its time."""
        await anyio.sleep(SMOKE_TESTS_TAKE_S)
        return f"{service} passed"


def _add_changing(server: MCPServer) -> None:
    @server.tool()
    def restart_service(service: str) -> str:
        """Restart a service; an error for one that has no replica to take over."""
        if service in WITHOUT_REPLICA:
            raise ToolError(f"{service} has no healthy replica to take over")
        return f"{service} restarted"

    @server.tool()
    def rotate_secret(service: str) -> str:
        """Give a service a new secret. The secret itself is never shown."""
        return f"{service} has a new secret"


def _add_documents(server: MCPServer) -> None:
    @server.resource("engineering://runbooks/{title}", mime_type="text/plain")
    def runbook(title: str) -> str:
        """One runbook by its title."""
        return RUNBOOKS[title]

    @server.prompt()
    def post_mortem(service: str) -> str:
        """Ask for the review of an incident."""
        return f"Write a blameless review of the last incident of {service}: what happened, when, what we change."
