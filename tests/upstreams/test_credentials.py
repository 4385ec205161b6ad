"""Credentials of upstreams are the gate's alone, and are seen nowhere but where they are meant for."""

from __future__ import annotations

import asyncio
import json
import logging
import sys
from pathlib import Path

import pytest
import uvicorn
import yaml

from gatetrail.runtime.upstreams import mounted as mounted_server
from gatetrail.settings import CommandServer, load_settings
from gatetrail.tls import ClientTls
from gatetrail.upstreams import Limits, Phase, Revealed, UrlTarget
from tests.mcp.conftest import QuietServer
from tests.mcp.wire import HANDSHAKE, MODERN
from tests.sinks.certificates import Authority
from tests.upstreams.driving import SCRIPT, House, Script, mounted, until
from tests.upstreams.test_http import Elsewhere

pytestmark = [pytest.mark.anyio, pytest.mark.requirement("A8")]


async def test_what_a_program_writes_goes_to_the_log_without_secrets(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "gatetrail.upstreams")
    script = Script(tmp_path)
    async with mounted(tmp_path, script.target()) as house:
        wire = await house.wire(MODERN)
        assert (await wire.call("noise")).result["content"]
        await until(lambda: "second line" in caplog.text)
    lines = [record.getMessage() for record in caplog.records if record.name == "gatetrail.upstreams"]
    assert "up (stdout, not MCP): this is no MCP" in lines
    assert "up (stderr): second line" in lines
    (told,) = [line for line in lines if "token" in line]
    assert script.token not in caplog.text
    assert "hunter2" not in told


async def test_an_error_of_the_upstream_comes_through_without_our_credentials(tmp_path: Path) -> None:
    script = Script(tmp_path)
    async with mounted(tmp_path, script.target()) as house:
        error = (await (await house.wire(MODERN)).call("refuse")).error
        assert error == {"code": -32000, "message": "no: [credential]", "data": {"with": ["[credential]"]}}
        assert house.outcomes() == [("refuse", "failed", "MCPError")]
        assert script.token not in repr(house.gate.events())


async def test_the_environment_is_what_is_named_with_path_and_home(tmp_path: Path) -> None:
    (tmp_path / "credential").write_text("from a file\n")
    environment = {
        "HEARD": str(tmp_path / "heard"),
        "TOKEN": {"from_env": "OUTSIDE_NAME", "prefix": "key-"},
        "OTHER": {"from_file": str(tmp_path / "credential")},
    }
    server = {"command": [sys.executable, "-IS", str(SCRIPT)], "environment": environment}
    (tmp_path / "service.yaml").write_text(yaml.safe_dump({"servers": {"up": server}}))
    settings = load_settings(tmp_path / "service.yaml").servers["up"]
    assert isinstance(settings, CommandServer)
    ours = {
        "PATH": "/usr/bin:/bin",
        "HOME": "/var/lib/gate",
        "GATETRAIL_JWT_SECRET": "s" * 32,
        "OUTSIDE_NAME": "outside",
    }
    target = mounted_server("up", settings, ours).upstream.keeper.target
    async with mounted(tmp_path, target) as house:
        result = (await (await house.wire(HANDSHAKE)).call("variables")).result
    found = json.loads(result["content"][0]["text"])
    found.pop("LC_CTYPE", None)  # Python sets it for itself (PEP 538)
    assert found == {
        "PATH": "/usr/bin:/bin",
        "HOME": "/var/lib/gate",
        "HEARD": str(tmp_path / "heard"),
        "TOKEN": "key-outside",
        "OTHER": "from a file",
    }


async def test_a_credential_in_a_file_is_read_anew_at_each_start(tmp_path: Path) -> None:
    credential = tmp_path / "credential"
    credential.write_text("first")
    environment = {"HEARD": str(tmp_path / "heard"), "TOKEN": {"from_file": str(credential)}}
    server = {"command": [sys.executable, "-IS", str(SCRIPT)], "environment": environment}
    (tmp_path / "service.yaml").write_text(yaml.safe_dump({"servers": {"up": server}}))
    settings = load_settings(tmp_path / "service.yaml").servers["up"]
    assert isinstance(settings, CommandServer)
    async with mounted(tmp_path, mounted_server("up", settings, {}).upstream.keeper.target) as house:
        wire = await house.wire(HANDSHAKE)
        credential.unlink()
        await wire.call("die")
        await until(lambda: house.upstream.state().reason == "its credentials cannot be read")
        credential.write_text("second")
        await until(lambda: house.upstream.state().phase is Phase.UP)
        result = (await wire.call("variables")).result
        assert json.loads(result["content"][0]["text"])["TOKEN"] == "second"


async def test_https_is_checked_as_the_settings_say(tmp_path: Path) -> None:
    ours, foreign = Authority(tmp_path / "ours"), Authority(tmp_path / "foreign")
    signed = ours.sign("upstream.example")
    config = uvicorn.Config(
        Elsewhere().app(),
        port=0,
        log_level="error",
        ssl_certfile=str(signed.certificate_file),
        ssl_keyfile=str(signed.key_file),
        timeout_graceful_shutdown=1,
    )
    server = QuietServer(config)
    serving = asyncio.create_task(server.serve())
    await until(lambda: server.started)
    url = f"https://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}/mcp"
    try:
        for tls, trouble in (
            (ClientTls(ca_file=ours.ca_file, server_name="upstream.example"), None),
            (ClientTls(ca_file=foreign.ca_file, server_name="upstream.example"), "certificate verify failed"),
            (ClientTls(ca_file=ours.ca_file, server_name="other.example"), "certificate verify failed"),
            (ClientTls(ca_file=tmp_path / "nowhere.pem"), "ca_file"),
        ):
            target = UrlTarget(url, lambda: Revealed({}), tls)
            # One try each: a handshake that is cut off in the middle leaves its socket to the garbage collector.
            once = Limits(retry_initial_ms=60_000, retry_max_ms=60_000)
            async with mounted(tmp_path, target, wait=False, limits=once, policy="servers: {up: {}}") as house:
                await settled(house)
                state = house.upstream.state()
                if trouble is None:
                    assert state.phase is Phase.UP
                else:
                    assert trouble in str(state.last_error)
    finally:
        server.should_exit = True
        await serving


async def settled(house: House) -> None:
    """Wait until it is up, or has failed once."""
    await until(lambda: house.upstream.state().phase is Phase.UP or house.upstream.state().reason)
