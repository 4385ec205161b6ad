"""Servers of other projects, behind the whole service: the same to a client as without it, but for the policy."""

from __future__ import annotations

import asyncio
import json
import os
import re
import signal
import sys
from collections import Counter
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import httpx
import httpx2
import pytest
from mcp import Client, MCPError, StdioServerParameters
from mcp.client.streamable_http import streamable_http_client
from mcp_types import PromptReference, ResourceTemplateReference

from gatetrail.upstreams import CommandTarget, Revealed
from tests.mcp.wire import ERAS, MODERN, Wire
from tests.require import require_or_skip
from tests.upstreams.conftest import CREDENTIAL, SIGNING, Service, eventually
from tests.upstreams.driving import lives, mounted, path
from tests.upstreams.npm_packages import EVERYTHING, NODE, program

pytestmark = [
    pytest.mark.node,
    pytest.mark.postgres,
    pytest.mark.slow,
    pytest.mark.requirement("A8"),
]

MODES = ("legacy", "auto")
WITHIN_S = 30.0


@asynccontextmanager
async def through(service: Service, server: str, mode: str) -> AsyncGenerator[Client]:
    """The SDK's client of a mounted server."""
    headers = {"Authorization": f"Bearer {service.token}"}
    async with (
        httpx2.AsyncClient(headers=headers, timeout=WITHIN_S) as http,
        Client(streamable_http_client(service.endpoint(server), http_client=http), mode=mode) as client,
    ):
        yield client


@pytest.mark.parametrize("server", ["everything", "far"])
@pytest.mark.parametrize("mode", MODES)
def test_everything_is_the_same_with_the_gate_and_without(service: Service, server: str, mode: str) -> None:
    async def look(client: Client) -> dict[str, Any]:
        tools, prompts = await client.list_tools(), await client.list_prompts()
        resources, templates = await client.list_resources(), await client.list_resource_templates()
        completed = await client.complete(
            PromptReference(name="completable-prompt"), {"name": "department", "value": "E"}
        )
        text = resources.resources[0].uri
        dynamic = "demo://resource/dynamic/text/1"
        return {
            "instructions": client.instructions,
            "server": client.server_info,
            # Which tools run as tasks is told in the older protocol alone.
            "tools": [tool.model_dump(exclude={"execution"}) for tool in tools.tools],
            "prompts": [prompt.model_dump() for prompt in prompts.prompts],
            "resources": [resource.model_dump() for resource in resources.resources],
            "templates": [template.model_dump() for template in templates.resource_templates],
            "completion": completed.completion.model_dump(),
            "prompt": (await client.get_prompt("args-prompt", {"city": "Ulm"})).messages,
            "resource": (await client.read_resource(text)).contents[0].model_dump(),
            "dynamic": (await client.read_resource(dynamic)).contents[0].uri,
            "echo": (await client.call_tool("echo", {"message": "x"})).content,
            "structured": (
                await client.call_tool("get-structured-content", {"location": "Chicago"})
            ).structured_content,
            "image": (await client.call_tool("get-tiny-image", {})).content,
            "wrong": (await client.call_tool("get-sum", {"a": "one", "b": 2})).is_error,
            "ref": ResourceTemplateReference(uri="x").type,
        }

    async def refused(client: Client, uri: str) -> str:
        try:
            await client.read_resource(uri)
        except MCPError as problem:
            return str(problem)
        return "nothing"

    async def compare() -> tuple[dict[str, Any], dict[str, Any], list[str]]:
        direct = Client(StdioServerParameters(command=NODE, args=[program(EVERYTHING), "stdio"]), mode="legacy")
        async with direct as client:
            without = await look(client)
        async with through(service, server, mode) as client:
            return await look(client), without, [await refused(client, uri) for uri in ("demo://resource/no", "x://y")]

    behind, without, refusals = asyncio.run(compare())
    assert behind == without
    # As for what is hidden: the two cannot be told apart.
    assert refusals == ["Unknown resource: demo://resource/no", "Unknown resource: x://y"]


@pytest.mark.parametrize("era", ERAS)
def test_the_filesystem_server_reads_what_is_allowed_and_writes_nothing(service: Service, era: str) -> None:
    async def work() -> None:
        async with httpx.AsyncClient(timeout=WITHIN_S) as http:
            wire = Wire(http, service.endpoint("files"), era, service.token)
            await wire.open()
            note = service.documents / "note.txt"
            read = (await wire.call("read_text_file", {"path": str(note)})).result
            assert read["content"][0]["text"] == "remember the milk\n"
            outside = (await wire.call("read_text_file", {"path": "/etc/passwd"})).result
            assert outside["isError"] is True
            made = service.documents / "made"
            denied = (await wire.call("create_directory", {"path": str(made)})).error
            assert denied["code"] == 40303
            hidden = (await wire.call("write_file", {"path": str(note), "content": ""})).error
            assert hidden == {"code": -32602, "message": "Unknown tool: write_file"}
            assert not made.exists()
            assert note.read_text() == "remember the milk\n"

    asyncio.run(work())
    rows = service.rows("--server", "files", "--event", "tool_call.*")
    assert [(row["tool_name"], row["execution_status"]) for row in rows][-6:] == [
        ("read_text_file", "pending"),
        ("read_text_file", "success"),
        ("read_text_file", "pending"),
        ("read_text_file", "failed"),
        ("create_directory", "denied"),
        ("write_file", "denied"),
    ]


def test_a_program_gets_its_own_variables_and_none_of_ours(service: Service) -> None:
    async def variables() -> dict[str, str]:
        async with through(service, "everything", "auto") as client:
            result = await client.call_tool("get-env", {})
            found: dict[str, str] = json.loads(getattr(result.content[0], "text", ""))
            return found

    found = asyncio.run(variables())
    assert found.keys() == {"PATH", "HOME", "GREETING", "API_KEY"}
    assert (found["GREETING"], found["API_KEY"]) == ("hello", CREDENTIAL)
    assert SIGNING not in str(found)


def test_credentials_are_in_no_event_no_log_and_no_answer_of_ours(service: Service) -> None:
    lines = service.running.err.wait_for(lambda lines: any("everything (stderr)" in line for line in lines))
    told = "\n".join(lines) + json.dumps(service.rows()) + json.dumps(service.readiness())
    assert CREDENTIAL not in told
    assert SIGNING not in told


def test_a_server_that_cannot_be_started_holds_up_neither_the_service_nor_the_others(service: Service) -> None:
    readiness = service.readiness()
    assert readiness["ready"] is True
    reason = readiness["failing"]["upstream broken"]
    assert re.fullmatch(r"it cannot be started; (waiting|starting) since \S+Z", reason)
    assert service.running.err.wait_for(lambda lines: any("/nowhere/at/all: No such file" in line for line in lines))
    answer = asyncio.run(_one_call(service, "broken", "anything"))
    assert answer["error"]["message"] == "upstream broken is unavailable: it cannot be started"
    (row,) = service.rows("--server", "broken", "--event", "tool_call.completed")
    assert (row["execution_status"], row["error_class"]) == ("failed", "upstream_unavailable")


def test_killed_under_load_it_comes_back_and_every_call_has_its_row(service: Service) -> None:
    before = Counter(row["event_name"] for row in service.rows("--server", "everything", "--tool", "echo"))
    killed: list[int] = []

    async def load() -> Counter[str]:
        ends: Counter[str] = Counter()
        async with httpx.AsyncClient(timeout=WITHIN_S) as http:
            working = True

            async def caller(number: int) -> None:
                wire = Wire(http, service.endpoint("everything"), ERAS[number % 2], service.token, request_id=number)
                await wire.open()
                while working:
                    answer = (await wire.call("echo", {"message": "x"})).message
                    ends["success" if "result" in answer else f"{answer['error']['code']}"] += 1
                    await asyncio.sleep(0.005)

            callers = [asyncio.create_task(caller(number)) for number in range(6)]
            for _ in range(3):
                good = ends["success"]
                await _until(lambda good=good: ends["success"] > good + 20)
                (pid,) = await asyncio.to_thread(service.programs, "server-everything")
                killed.append(pid)
                os.kill(pid, signal.SIGKILL)
            good = ends["success"]
            await _until(lambda: ends["success"] > good + 20)
            working = False
            await asyncio.gather(*callers)
        return ends

    ends = asyncio.run(load())
    assert set(ends) <= {"success", "50302"}
    assert ends["50302"] >= 1
    rows = service.rows("--server", "everything", "--tool", "echo")
    after = Counter(row["event_name"] for row in rows) - before
    assert after["tool_call.decided"] == after["tool_call.completed"] == ends.total()
    failed = [row for row in rows if row.get("execution_status") == "failed"]
    assert len(failed) == ends["50302"]
    assert {row["error_class"] for row in failed} == {"upstream_unavailable"}
    assert not any(lives(pid) for pid in killed)


def test_the_server_at_a_url_may_be_killed_and_come_back(service: Service) -> None:
    service.far.kill()
    assert asyncio.run(_one_call(service, "far", "echo", message="x"))["error"]["code"] == 50302
    eventually(lambda: "upstream far" in service.readiness()["failing"])
    service.far.start()
    eventually(lambda: "upstream far" not in service.readiness()["failing"])
    assert "result" in asyncio.run(_one_call(service, "far", "echo", message="x"))


def test_a_stopped_program_is_a_timeout_and_the_others_go_on(service: Service) -> None:
    (pid,) = service.programs("server-filesystem")
    os.kill(pid, signal.SIGSTOP)
    try:

        async def both() -> tuple[dict[str, Any], dict[str, Any]]:
            hanging = asyncio.create_task(
                _one_call(service, "files", "list_directory", path=str(service.documents), _within_s=20)
            )
            other = await _one_call(service, "everything", "echo", message="meanwhile")
            assert not hanging.done()
            return await hanging, other

        hung, other = asyncio.run(both())
    finally:
        os.kill(pid, signal.SIGCONT)
    assert "result" in other
    assert hung["error"]["code"] == 40801
    (row,) = service.rows("--server", "files", "--tool", "list_directory", "--event", "tool_call.completed")
    assert row["execution_status"] == "timeout"
    assert "result" in asyncio.run(_one_call(service, "files", "list_allowed_directories"))


async def _one_call(service: Service, server: str, tool: str, **arguments: Any) -> dict[str, Any]:
    async with httpx.AsyncClient(timeout=arguments.pop("_within_s", WITHIN_S)) as http:
        return (await Wire(http, service.endpoint(server), MODERN, service.token).call(tool, arguments)).message


async def _until(holds: Any) -> None:
    async with asyncio.timeout(WITHIN_S):
        while not holds():  # noqa: ASYNC110 -- other processes tell of nothing
            await asyncio.sleep(0.01)


@pytest.mark.anyio
@pytest.mark.parametrize("era", ERAS)
async def test_a_python_server_of_the_newest_protocol_is_mounted_as_well(tmp_path: Path, era: str) -> None:
    require_or_skip(find_spec("mcp_server_time"), "the package mcp-server-time is not installed")
    target = CommandTarget((sys.executable, "-m", "mcp_server_time"), lambda: Revealed(path()))
    async with mounted(tmp_path, target, policy="servers: {up: {tools: {convert_time: {tier: admin}}}}") as house:
        assert house.upstream.keeper.link is not None
        assert house.upstream.keeper.link.is_modern
        wire = await house.wire(era)
        assert [tool["name"] for tool in (await wire.ask("tools/list")).result["tools"]] == ["get_current_time"]
        now = (await wire.call("get_current_time", {"timezone": "Europe/Berlin"})).result
        assert now["structuredContent"]["timezone"] == "Europe/Berlin"
        assert (await wire.call("convert_time", {})).error["message"] == "Unknown tool: convert_time"
        assert house.outcomes() == [("get_current_time", "success", None)]
