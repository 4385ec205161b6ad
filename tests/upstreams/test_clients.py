"""Clients of other projects, as people use them, against servers of ours and against mounted ones.

The TypeScript SDK stands for Claude Code, which is built on it and cannot be run here: the handshake of the older era,
an Authorization header, and a GET for the standing stream.
"""

from __future__ import annotations

import json
from typing import Any

import httpx
import pytest

from tests.mcp.wire import HANDSHAKE
from tests.upstreams.conftest import Service
from tests.upstreams.npm_packages import inspector, typescript_client

pytestmark = [
    pytest.mark.node,
    pytest.mark.postgres,
    pytest.mark.slow,
    pytest.mark.requirement("A5", "A8"),
]

OLDER: tuple[str, ...] = ()
NEWER = ("--protocol-era", "modern")
OURS, MOUNTED, FAR = "finance", "files", "far"
ALLOWED = {OURS: "list_invoices", MOUNTED: "list_allowed_directories", FAR: "get-tiny-image"}
DENIED = {
    OURS: ("export_payroll", "Denied by blocklist gate: blocked by entry 'books': salaries are not for agents"),
    MOUNTED: ("create_directory", "Denied by blocklist gate: blocked by entry 'read-only': agents only read here"),
}
HIDDEN = {OURS: "close_books", MOUNTED: "write_file"}


@pytest.mark.parametrize(("server", "era"), [(OURS, NEWER), (MOUNTED, OLDER), (MOUNTED, NEWER)])
def test_the_inspector_lists_what_its_caller_may_call(service: Service, server: str, era: tuple[str, ...]) -> None:
    listed = inspector(service.endpoint(server), service.token, "--method", "tools/list", *era)
    assert listed.returncode == 0, listed.stderr
    names = {tool["name"] for tool in json.loads(listed.stdout)["tools"]}
    assert ALLOWED[server] in names
    assert HIDDEN[server] not in names


@pytest.mark.parametrize(("server", "era"), [(OURS, OLDER), (MOUNTED, NEWER), (FAR, OLDER)])
def test_the_inspector_calls_a_tool(service: Service, server: str, era: tuple[str, ...]) -> None:
    arguments = ("--method", "tools/call", "--tool-name", ALLOWED[server])
    called = inspector(service.endpoint(server), service.token, *arguments, *era)
    assert called.returncode == 0, called.stderr
    assert json.loads(called.stdout)["content"]


@pytest.mark.parametrize(("server", "era"), [(OURS, OLDER), (MOUNTED, NEWER)])
def test_the_inspector_shows_why_a_call_was_denied(service: Service, server: str, era: tuple[str, ...]) -> None:
    tool, message = DENIED[server]
    denied = inspector(service.endpoint(server), service.token, "--method", "tools/call", "--tool-name", tool, *era)
    assert denied.returncode != 0
    assert message in denied.stdout + denied.stderr
    (row, *_) = service.rows("--server", server, "--tool", tool, "--decision", "deny")
    assert (row["gate"], row["user_id"]) == ("blocklist", "ann")


@pytest.mark.parametrize(("server", "generation"), [(OURS, 1), (MOUNTED, 1), (MOUNTED, 2)])
def test_a_client_such_as_claude_code_lists_calls_and_is_told_of_a_denial(
    service: Service, server: str, generation: int
) -> None:
    tool, message = DENIED[server]
    found = typescript_client(
        generation, service.endpoint(server), service.token, ALLOWED[server], tool, HIDDEN[server]
    )
    assert ALLOWED[server] in found["tools"]
    assert HIDDEN[server] not in found["tools"]
    allowed, denied, hidden = found["calls"]
    assert allowed["content"]
    assert denied["code"] == 40303
    assert message in denied["message"]
    assert denied["data"]["gate"] == "blocklist"
    assert hidden["code"] == -32602
    assert f"Unknown tool: {HIDDEN[server]}" in hidden["message"]
    assert "GET 404" not in found["statuses"]


def test_get_without_a_session_that_lives_is_405_and_never_404(service: Service) -> None:
    def get(server: str, **headers: str) -> httpx.Response:
        named = {"authorization": f"Bearer {service.token}", "accept": "text/event-stream", **headers}
        return httpx.get(service.endpoint(server), headers=named, timeout=20)

    for server in (OURS, MOUNTED, FAR, "broken"):
        answers = [
            get(server),
            get(server, **{"mcp-session-id": "gone", "mcp-protocol-version": HANDSHAKE}),
            get(server, **{"mcp-protocol-version": "2026-07-28"}),
        ]
        assert [answer.status_code for answer in answers] == [405, 405, 405]
        assert all("POST" in answer.headers["allow"] for answer in answers)


def test_a_client_without_a_good_token_is_turned_away_before_the_upstream(service: Service) -> None:
    body: dict[str, Any] = {"jsonrpc": "2.0", "id": 1, "method": "tools/list"}
    answer = httpx.post(service.endpoint(MOUNTED), json=body, headers={"authorization": "Bearer nonsense"}, timeout=20)
    assert answer.status_code == 401
    assert answer.headers["www-authenticate"].startswith("Bearer")
