"""Every other method that reaches data, and those that reach none."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from mcp.client import Client
from mcp.server.caching import CacheHint
from mcp.server.lowlevel import Server
from mcp.server.mcpserver import MCPServer
from mcp_types import (
    CompleteRequestParams,
    CompleteResult,
    Completion,
    EmptyResult,
    ListToolsResult,
    NotificationParams,
    PaginatedRequestParams,
    SubscribeRequestParams,
    Tool,
)

from gatetrail.events.model import ManifestListed
from gatetrail.identity.tiers import Tier
from gatetrail.words import GateName, ReasonCode
from tests.mcp.conftest import POLICY, Gate, Site, make_gate, serve
from tests.mcp.servers import NAME, Sample, build
from tests.mcp.wire import ERAS, HANDSHAKE, MODERN

pytestmark = pytest.mark.anyio
each_era = pytest.mark.parametrize("era", ERAS)


@each_era
@pytest.mark.requirement("A1", "C2")
async def test_resources_are_decided_like_tools(gate: Gate, sample: Sample, site: Site, era: str) -> None:
    wire = await site.opened(era, gate.token())
    assert (await wire.ask("resources/read", {"uri": "invoice://open/1"})).result["contents"]
    hidden = await wire.ask("resources/read", {"uri": "invoice://secret/1"})
    unknown = await wire.ask("resources/read", {"uri": "invoice://sacred/1"})
    expected = {"uri": "invoice://secret/1"}
    assert hidden.error == {"code": -32602, "message": "Unknown resource: invoice://secret/1", "data": expected}
    status, headers, body = unknown.comparable()
    assert hidden.comparable() == (status, headers, body.replace(b"sacred", b"secret"))
    assert sample.ran == ["read open"]
    rows = [(row.method, row.tool_name, row.decision) for row in gate.decisions()]
    assert rows[:2] == [
        ("resources/read", "invoice://open/1", "allow"),
        ("resources/read", "invoice://secret/1", "deny"),
    ]


@each_era
@pytest.mark.requirement("A1", "C2")
async def test_prompts_are_decided_like_tools(gate: Gate, sample: Sample, site: Site, era: str) -> None:
    wire = await site.opened(era, gate.token())
    assert (await wire.ask("prompts/get", {"name": "summary"})).result["messages"]
    hidden = await wire.ask("prompts/get", {"name": "board_report"})
    unknown = await wire.ask("prompts/get", {"name": "beard_report"})
    assert hidden.error == {"code": -32602, "message": "Unknown prompt: board_report"}
    status, headers, body = unknown.comparable()
    assert hidden.comparable() == (status, headers, body.replace(b"beard", b"board"))
    assert sample.ran == ["summary"]
    assert [row.decision for row in gate.decisions()] == ["allow", "deny", "deny"]


@each_era
@pytest.mark.requirement("C2")
async def test_lists_of_resources_and_prompts_are_filtered_and_recorded(
    gate: Gate, sample: Sample, site: Site, era: str
) -> None:
    wire = await site.opened(era, gate.token())
    resources = (await wire.ask("resources/list")).result["resources"]
    prompts = (await wire.ask("prompts/list")).result["prompts"]
    assert [resource["uri"] for resource in resources] == ["invoice://open/1"]
    assert [prompt["name"] for prompt in prompts] == ["summary"]
    listed = [event for event in gate.events() if isinstance(event, ManifestListed)]
    assert [(event.method, event.shown_count, event.hidden_count) for event in listed] == [
        ("resources/list", 1, 1),
        ("prompts/list", 1, 1),
    ]
    assert {event.user_id for event in listed} == {"ann"}
    assert gate.decisions() == []
    assert sample.ran == []


@pytest.mark.requirement("C2")
async def test_a_template_is_shown_to_who_may_read_by_it(gate: Gate) -> None:
    sample = build("mcpserver")
    gate.adapter.install(sample.server, name=NAME)

    async def all_of(year: str) -> str:
        return await sample.do(f"all of {year}", {})

    sample.server.resource("invoice://secret/{year}/all")(all_of)

    async with serve(sample.app()) as site:
        shown = {}
        for tier in (Tier.USER, Tier.ADMIN):
            wire = await site.opened(MODERN, gate.token(tier.value, tier))
            templates = (await wire.ask("resources/templates/list")).result["resourceTemplates"]
            shown[tier] = [template["uriTemplate"] for template in templates]
            await wire.ask("resources/read", {"uri": "invoice://secret/2025/all"})
    open_to_users = "invoice://{section}/by-number/{number}"
    assert shown == {Tier.USER: [open_to_users], Tier.ADMIN: [open_to_users, "invoice://secret/{year}/all"]}
    assert sample.ran == ["all of 2025"]


@pytest.mark.requirement("A1")
async def test_a_completion_is_decided_as_what_it_completes(gate: Gate, sample: Sample, site: Site) -> None:
    async def complete(_context: Any, params: CompleteRequestParams) -> CompleteResult:
        sample.ran.append(params.argument.value)
        return CompleteResult(completion=Completion(values=["x"]))

    sample.low.add_request_handler("completion/complete", CompleteRequestParams, complete)
    wire = await site.opened(MODERN, gate.token())
    argument = {"name": "a", "value": "v"}
    allowed = await wire.ask(
        "completion/complete", {"ref": {"type": "ref/prompt", "name": "summary"}, "argument": argument}
    )
    denied = await wire.ask(
        "completion/complete", {"ref": {"type": "ref/prompt", "name": "board_report"}, "argument": argument}
    )
    assert allowed.result["completion"]["values"] == ["x"]
    assert denied.error["message"] == "Unknown prompt: board_report"
    assert sample.ran == ["v"]
    assert {row.method for row in gate.decisions()} == {"completion/complete"}


@pytest.mark.requirement("A1")
async def test_a_subscription_needs_the_resource(gate: Gate, sample: Sample, site: Site) -> None:
    subscribed: list[str] = []

    async def subscribe(_context: Any, params: SubscribeRequestParams) -> EmptyResult:
        subscribed.append(params.uri)
        return EmptyResult()

    sample.low.add_request_handler("resources/subscribe", SubscribeRequestParams, subscribe)
    wire = await site.opened(HANDSHAKE, gate.token())
    await wire.ask("resources/subscribe", {"uri": "invoice://open/1"})
    denied = await wire.ask("resources/subscribe", {"uri": "invoice://secret/1"})
    assert denied.error["message"] == "Unknown resource: invoice://secret/1"
    assert subscribed == ["invoice://open/1"]


@pytest.mark.requirement("A1", "C2")
async def test_a_stream_of_changes_is_opened_for_what_the_caller_may_see(gate: Gate) -> None:
    sample = build("mcpserver")
    gate.adapter.install(sample.server, name=NAME)
    wanted = ["invoice://open/1", "invoice://secret/1"]
    headers = {"Authorization": f"Bearer {gate.token()}"}
    async with serve(sample.app()) as site:
        import httpx2
        from mcp.client.streamable_http import streamable_http_client

        async with (
            httpx2.AsyncClient(headers=headers) as http,
            Client(streamable_http_client(f"{site.url}/mcp", http_client=http)) as client,
            client.listen(resource_subscriptions=wanted) as stream,
        ):
            assert stream.honored.resource_subscriptions == ["invoice://open/1"]


@each_era
@pytest.mark.requirement("D4")
async def test_methods_that_reach_no_data_leave_a_row_only_when_denied(tmp_path: Path, era: str) -> None:
    gate = make_gate(tmp_path, POLICY + "\nrate_limits: {base_per_s: {mcp: 1}, burst_multiplier: 4}\n")
    sample = build("mcpserver")
    gate.adapter.install(sample.server, name=NAME)
    method = "ping" if era == HANDSHAKE else "server/discover"
    async with serve(sample.app()) as site:
        wire = await site.opened(era, gate.token())
        answers = [await wire.ask(method) for _ in range(6)]
    assert answers[0].message.get("result") is not None
    assert answers[-1].error["code"] == 42901
    assert answers[-1].error["data"]["retry_after_ms"] > 0
    assert {(row.decision, row.gate, row.method) for row in gate.decisions()} == {("deny", GateName.RATE_LIMIT, method)}


@pytest.mark.requirement("A1")
async def test_notifications_of_the_servers_own_need_the_policy(gate: Gate, sample: Sample, site: Site) -> None:
    heard: list[str] = []

    async def hear(context: Any, _params: NotificationParams) -> None:
        heard.append(context.method)

    for method in ("acme/allowed", "acme/other"):
        sample.low.add_notification_handler(method, NotificationParams, hear)
    wire = await site.opened(HANDSHAKE, gate.token())
    for method in ("acme/other", "acme/allowed"):
        assert (await wire.post({"jsonrpc": "2.0", "method": method})).status == 202
    await wire.ask("ping")
    assert heard == ["acme/allowed"]
    assert [(row.method, row.reason_code) for row in gate.decisions()] == [
        ("acme/other", ReasonCode.METHOD_NOT_ALLOWED)
    ]


@pytest.mark.requirement("C2")
async def test_pages_stay_pages(gate: Gate) -> None:
    pages = {None: (["get_invoice", "pay"], "two"), "two": (["other"], None)}

    async def list_tools(_context: Any, params: PaginatedRequestParams | None) -> ListToolsResult:
        names, cursor = pages[params.cursor if params else None]
        tools = [Tool(name=name, input_schema={"type": "object"}) for name in names]
        return ListToolsResult(tools=tools, next_cursor=cursor)

    server: Server[Any] = Server("paged", on_list_tools=list_tools)
    gate.adapter.install(server, name=NAME)
    async with serve(server.streamable_http_app(json_response=True)) as site:
        for era in ERAS:
            wire = await site.opened(era, gate.token())
            first = (await wire.ask("tools/list")).result
            assert ([tool["name"] for tool in first["tools"]], first["nextCursor"]) == (["get_invoice"], "two")
            second = (await wire.ask("tools/list", {"cursor": "two"})).result
            assert [tool["name"] for tool in second["tools"]] == ["other"]
            assert "nextCursor" not in second


@pytest.mark.requirement("C2")
async def test_what_depends_on_the_caller_is_in_no_shared_cache(gate: Gate) -> None:
    hints = {"tools/list": CacheHint(ttl_ms=5000, scope="public"), "resources/read": CacheHint(scope="public")}
    server = MCPServer("cached", cache_hints=hints)  # type: ignore[arg-type]

    @server.resource("invoice://open/1")
    async def opened() -> str:
        return "one"

    gate.adapter.install(server, name=NAME)
    async with serve(server.streamable_http_app(json_response=True)) as site:
        wire = await site.opened(MODERN, gate.token())
        listed = (await wire.ask("tools/list")).result
        assert (listed["ttlMs"], listed["cacheScope"]) == (5000, "private")
        read = (await wire.ask("resources/read", {"uri": "invoice://open/1"})).result
        assert read["cacheScope"] == "private"
