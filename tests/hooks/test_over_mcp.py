"""A client is told what a hook said, with a code of its own."""

from __future__ import annotations

import pytest
from mcp import Client, MCPError
from mcp.server.mcpserver import MCPServer

from gatetrail.mcp.answers import CODES
from gatetrail.words import GateName
from tests.hooks.conftest import ANN, OpenHouse
from tests.hooks.outside import Receiver, reply

pytestmark = [pytest.mark.anyio, pytest.mark.postgres, pytest.mark.requirement("D5")]


async def test_a_hook_that_denies_is_an_error_that_a_model_can_act_on(
    open_house: OpenHouse, receiver: Receiver
) -> None:
    server: MCPServer = MCPServer("finance")
    ran: list[int] = []

    @server.tool()
    def pay(amount: int) -> str:
        ran.append(amount)
        return "paid"

    receiver.answer = lambda handler, _: reply(
        handler, 200, b'{"decision":"deny","reason":"nothing is paid; the key is AKIAQQQQQQQQQQQQQQQQ"}'
    )
    hook = {"id": "freeze", "event": "pre_tool_use", "match": {"tools": ["PAY"]}, "webhook": {"url": receiver.url}}
    async with open_house(hook) as house:
        house.gate.install(server, name="finance", local_caller=ANN)
        async with Client(server) as client:
            with pytest.raises(MCPError) as caught:
                await client.call_tool("pay", {"amount": 5})
        (decided,) = await house.events("tool_call.decided")
    assert caught.value.error.code == CODES[GateName.HOOK] == 40304
    assert caught.value.error.data["gate"] == "hook"
    assert caught.value.error.data["decision_id"] == decided["execution_id"]
    assert "Denied by hook gate: nothing is paid" in caught.value.error.message
    assert "AKIAQQQQ" not in caught.value.error.message + decided["reason"]
    assert ran == []
