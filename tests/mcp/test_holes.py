"""The ways around a mere middleware, each tried and closed."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from fastmcp.server.middleware import Middleware
from mcp.client import Client
from mcp.server.lowlevel.server import HandlerEntry
from mcp.shared.exceptions import MCPError
from mcp_types import CallToolRequestParams, CallToolResult, RequestParams, TextContent

from gatetrail.events.model import ManifestListed
from gatetrail.identity.caller import Authenticated, AuthMethod
from gatetrail.identity.tiers import CallerType, Tier
from gatetrail.words import ExecutionStatus
from tests.mcp.conftest import Gate, Site, serve
from tests.mcp.servers import NAME, Sample, build
from tests.mcp.wire import ERAS, HANDSHAKE, MODERN

pytestmark = pytest.mark.anyio
each_era = pytest.mark.parametrize("era", ERAS)
with_python_calls = pytest.mark.parametrize("kind", ["mcpserver", "fastmcp"])

ADMIN = Authenticated("root", Tier.ADMIN, Tier.ADMIN, CallerType.ADMIN, AuthMethod.EMBEDDED)


def rewriting(new_name: str) -> Any:
    """A middleware that turns every tool call into one of another tool."""

    async def rewrite(context: Any, call_next: Any) -> Any:
        if context.method != "tools/call":
            return await call_next(context)
        return await call_next(replace(context, params={**context.params, "name": new_name, "arguments": {}}))

    return rewrite


@each_era
@pytest.mark.requirement("A1")
async def test_a_middleware_that_rewrites_the_tool_name_is_decided_under_the_new_name(
    gate: Gate, sample: Sample, site: Site, era: str
) -> None:
    sample.low.middleware.append(rewriting("pay"))
    wire = await site.opened(era, gate.token())
    answer = await wire.call("get_invoice", {"number": 1})
    assert answer.error["code"] == -32602
    assert sample.ran == []
    assert [(row.tool_name, row.decision) for row in gate.decisions()] == [("pay", "deny")]


@each_era
@pytest.mark.requirement("A1")
async def test_fastmcps_own_middleware_cannot_rewrite_the_tool_either(gate: Gate, era: str) -> None:
    class Rewriting(Middleware):
        async def on_call_tool(self, context: Any, call_next: Any) -> Any:
            return await call_next(context.copy(message=CallToolRequestParams(name="pay", arguments={})))

    sample = build("fastmcp")
    sample.server.add_middleware(Rewriting())
    gate.adapter.install(sample.server, name=NAME)
    async with serve(sample.app()) as site:
        wire = await site.opened(era, gate.token())
        answer = await wire.call("get_invoice", {"number": 1})
    assert answer.error == {"code": -32602, "message": "Unknown tool: pay"}
    assert sample.ran == []
    assert [(row.tool_name, row.decision) for row in gate.decisions()] == [("get_invoice", "allow"), ("pay", "deny")]


@with_python_calls
@pytest.mark.requirement("A1", "A7")
async def test_a_call_from_python_is_decided_for_the_local_caller(gate: Gate, kind: str) -> None:
    sample = build(kind)
    gate.adapter.install(sample.server, name=NAME)
    with pytest.raises(MCPError, match="Unknown tool: pay"):
        await sample.server.call_tool("pay", {"amount": 1})
    assert sample.ran == []
    (decision,) = gate.decisions()
    assert (decision.decision, decision.actual_tier, decision.src_ip) == ("deny", "anonymous", None)


@with_python_calls
@pytest.mark.requirement("A1", "A7")
async def test_a_local_caller_with_the_tier_may_call_from_python(gate: Gate, kind: str) -> None:
    sample = build(kind)
    gate.adapter.install(sample.server, name=NAME, local_caller=ADMIN)
    await sample.server.call_tool("pay", {"amount": 1})
    assert sample.ran == ["pay"]
    (decision,), (outcome,) = gate.decisions(), gate.outcomes()
    assert (decision.user_id, decision.auth_method, decision.tool_name) == ("root", "embedded", "pay")
    assert outcome.execution_status is ExecutionStatus.SUCCESS


@pytest.mark.requirement("A1")
async def test_mcpservers_tool_manager_and_its_tools_are_no_way_around(gate: Gate) -> None:
    sample = build("mcpserver")
    gate.adapter.install(sample.server, name=NAME)
    manager = sample.server._tool_manager
    with pytest.raises(MCPError, match="Unknown tool"):
        await manager.call_tool("pay", {}, None)
    with pytest.raises(MCPError, match="Unknown tool"):
        await manager.get_tool("pay").run({}, None)
    with pytest.raises(MCPError, match="Unknown tool"):
        await next(tool for tool in manager.list_tools() if tool.name == "pay").run({}, None)
    assert sample.ran == []
    assert len(gate.decisions()) == 3


@pytest.mark.requirement("A1")
async def test_fastmcps_tools_and_the_call_without_middleware_are_no_way_around(gate: Gate) -> None:
    sample = build("fastmcp")
    gate.adapter.install(sample.server, name=NAME)
    with pytest.raises(MCPError, match="Unknown tool"):
        await sample.server.call_tool("pay", {}, run_middleware=False)
    with pytest.raises(MCPError, match="Unknown tool"):
        await (await sample.server.get_tool("pay")).run({})
    listed = await sample.server.list_tools()
    with pytest.raises(MCPError, match="Unknown tool"):
        await next(tool for tool in listed if tool.name == "pay").run({})
    assert sample.ran == []
    assert len(gate.decisions()) == 3


@with_python_calls
@pytest.mark.requirement("A1")
async def test_resources_and_prompts_from_python_are_decided_too(gate: Gate, kind: str) -> None:
    sample = build(kind)
    gate.adapter.install(sample.server, name=NAME)
    render = sample.server.get_prompt if kind == "mcpserver" else sample.server.render_prompt
    with pytest.raises(MCPError, match="Unknown resource"):
        await sample.server.read_resource("invoice://open/1")
    with pytest.raises(MCPError, match="Unknown prompt"):
        await render("summary", {})
    assert sample.ran == []
    assert [row.method for row in gate.decisions()] == ["resources/read", "prompts/get"]


@each_era
@with_python_calls
@pytest.mark.requirement("A1")
async def test_a_tool_that_calls_a_tool_is_two_calls_of_one_caller_and_trace(gate: Gate, kind: str, era: str) -> None:
    sample = build(kind)
    gate.adapter.install(sample.server, name=NAME)
    async with serve(sample.app()) as site:
        admin = await site.opened(era, gate.token("root", Tier.ADMIN))
        await admin.call("calls", {"name": "pay"})
        assert sample.ran == ["pay", "calls"]
        outer, inner = gate.decisions()
        assert (inner.tool_name, inner.user_id, inner.trace_id) == ("pay", "root", outer.trace_id)
        assert (inner.session_id, inner.src_ip) == (outer.session_id, outer.src_ip)
        assert inner.execution_id != outer.execution_id
        ann = await site.opened(era, gate.token())
        await ann.call("calls", {"name": "pay"})
    assert sample.ran == ["pay", "calls"]
    assert [(row.tool_name, row.decision) for row in gate.decisions()[2:]] == [("calls", "allow"), ("pay", "deny")]


@with_python_calls
@pytest.mark.requirement("A1")
async def test_one_decision_runs_a_tool_once(gate: Gate, kind: str) -> None:
    sample = build(kind)
    gate.adapter.install(sample.server, name=NAME)
    call_tool = sample.server.call_tool

    async def twice(*args: Any, **kwargs: Any) -> Any:
        await call_tool(*args, **kwargs)
        return await call_tool(*args, **kwargs)

    sample.server.call_tool = twice
    async with serve(sample.app()) as site:
        wire = await site.opened(MODERN, gate.token())
        await wire.call("get_invoice", {"number": 1})
    assert len(sample.ran) >= 2
    assert len(sample.ran) == len(gate.decisions()) == len(gate.outcomes())


@pytest.mark.requirement("A1")
@pytest.mark.parametrize("how", ["registering", "writing into the registry"])
async def test_handlers_that_are_registered_after_the_gate_are_gated(
    gate: Gate, sample: Sample, site: Site, how: str
) -> None:
    async def other(_context: Any, params: CallToolRequestParams) -> CallToolResult:
        sample.ran.append(f"other {params.name}")
        return CallToolResult(content=[TextContent(text="other")])

    if how == "registering":
        sample.low.add_request_handler("tools/call", CallToolRequestParams, other)
    else:
        vars(sample.low)["_request_handlers"]["tools/call"] = HandlerEntry(CallToolRequestParams, other)
    wire = await site.opened(MODERN, gate.token())
    assert (await wire.call("pay")).error["code"] == -32602
    assert (await wire.call("get_invoice", {"number": 1})).result["content"][0]["text"] == "other"
    assert sample.ran == ["other get_invoice"]


@with_python_calls
@pytest.mark.requirement("A1", "A7")
async def test_tools_that_are_added_after_the_gate_are_gated(gate: Gate, kind: str) -> None:
    sample = build(kind)
    gate.adapter.install(sample.server, name=NAME)

    async def later() -> str:
        return await sample.do("later", {})

    add = sample.server.add_tool if kind == "mcpserver" else sample.server.tool
    add(later)
    with pytest.raises(MCPError, match="Unknown tool"):
        await sample.server.call_tool("later", {})
    async with serve(sample.app()) as site:
        wire = await site.opened(HANDSHAKE, gate.token())
        assert "later" in (await wire.call("later")).result["content"][0]["text"]
    assert sample.ran == ["later"]


@pytest.mark.requirement("C2")
@pytest.mark.parametrize("kind", ["mcpserver", "fastmcp"])
async def test_the_schema_look_up_does_not_tell_hidden_from_unknown(gate: Gate, kind: str) -> None:
    sample = build(kind)
    gate.adapter.install(sample.server, name=NAME)
    wrong_header = {"mcp_param_currency": "EUR", "mcp_param_region": "EUR"}
    async with serve(sample.app()) as site:
        wire = await site.opened(MODERN, gate.token())
        hidden = await wire.call("pay", {"currency": "USD"}, **wrong_header)
        unknown = await wire.call("bay", {"currency": "USD"}, **wrong_header)
        status, headers, body = unknown.comparable()
        assert hidden.comparable() == (status, headers, body.replace(b"bay", b"pay"))
        assert [row.tool_name for row in gate.decisions()] == ["pay", "bay"]
        visible = await wire.call("get_invoice", {"number": 1, "region": "north"}, **wrong_header)
        assert (visible.status, visible.error["code"]) == (400, -32020)
        admin = await site.opened(MODERN, gate.token("root", Tier.ADMIN))
        assert (await admin.call("pay", {"currency": "USD"}, **wrong_header)).error["code"] == -32020


@pytest.mark.requirement("C2", "D4")
async def test_the_sdks_own_list_before_a_call_is_no_call_of_the_client(gate: Gate, site: Site) -> None:
    wire = await site.opened(MODERN, gate.token())
    await wire.call("get_invoice", {"number": 1})
    assert [event for event in gate.events() if isinstance(event, ManifestListed)] == []
    assert len(gate.decisions()) == 1


@pytest.mark.requirement("A1", "A5")
async def test_whoever_serves_the_low_level_server_himself_still_has_the_gate(gate: Gate, sample: Sample) -> None:
    from mcp.server.streamable_http_manager import StreamableHTTPASGIApp, StreamableHTTPSessionManager
    from starlette.applications import Starlette
    from starlette.routing import Route

    manager = StreamableHTTPSessionManager(sample.low, json_response=True)
    app = Starlette(routes=[Route("/mcp", StreamableHTTPASGIApp(manager))], lifespan=lambda _app: manager.run())
    async with serve(app) as site:
        for era in ERAS:
            ann = await site.opened(era, gate.token())
            assert (await ann.call("get_invoice", {"number": 1})).result
            assert (await ann.call("pay")).error["code"] == -32602
            nobody = await site.opened(era)
            assert (await nobody.call("get_invoice")).error["code"] == -32602
            forger = site.client(era, gate.token() + "x")
            refused = await forger.open() or await forger.call("get_invoice")
            assert refused.error["data"]["reason_code"] == "identity_refused"
    assert sample.ran == ["get_invoice", "get_invoice"]


@pytest.mark.requirement("A1")
async def test_a_client_in_memory_is_the_local_caller(gate: Gate) -> None:
    for kind in ("mcpserver", "lowlevel"):
        sample = build(kind)
        gate.adapter.install(sample.server, name=NAME)
        async with Client(sample.server) as client:
            with pytest.raises(MCPError, match="Unknown tool: get_invoice"):
                await client.call_tool("get_invoice", {"number": 1})
        assert sample.ran == []


@pytest.mark.requirement("A1")
async def test_methods_of_the_servers_own_are_denied_unless_the_policy_names_them(
    gate: Gate, sample: Sample, site: Site
) -> None:
    ran: list[str] = []

    async def handle(context: Any, _params: RequestParams) -> dict[str, Any]:
        ran.append(context.method)
        return {"done": True}

    for method in ("acme/allowed", "acme/other"):
        sample.low.add_request_handler(method, RequestParams, handle)
    wire = await site.opened(MODERN, gate.token())
    assert (await wire.ask("acme/allowed")).result["done"] is True
    refused = await wire.ask("acme/other")
    assert refused.error["code"] == 40301
    assert refused.error["data"]["reason_code"] == "method_not_allowed"
    assert ran == ["acme/allowed"]
    assert [(row.method, row.decision) for row in gate.decisions()] == [
        ("acme/allowed", "allow"),
        ("acme/other", "deny"),
    ]
