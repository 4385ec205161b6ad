"""What the README shows is run: its server, its policy, and a call through both."""

from __future__ import annotations

import contextlib
import os
import re
import secrets
import socket
import subprocess
import sys
import time
from collections.abc import Generator
from pathlib import Path

import httpx2
import pytest
from mcp import Client, MCPError
from mcp.client.streamable_http import streamable_http_client

from tests.checkout import ROOT

WITHIN_S = 60.0
PORT_LINE = re.compile(r"port=8000")


def block(language: str) -> str:
    """The first code block of a language in the README."""
    found = re.search(rf"^```{language}\n(.*?)^```$", (ROOT / "README.md").read_text("utf-8"), re.DOTALL | re.MULTILINE)
    assert found is not None
    return found[1]


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


@pytest.mark.anyio
@pytest.mark.postgres
@pytest.mark.requirement("A7")
async def test_the_two_lines_of_the_readme_put_the_gate_into_its_server(dsn: str, tmp_path: Path) -> None:
    with the_example_running(dsn, tmp_path) as (url, token):
        headers = {"Authorization": f"Bearer {token}"}
        async with (
            httpx2.AsyncClient(headers=headers) as http,
            Client(streamable_http_client(url, http_client=http)) as client,
        ):
            assert [tool.name for tool in (await client.list_tools()).tools] == ["get_invoice"]
            assert not (await client.call_tool("get_invoice", {"number": 7})).is_error
            with pytest.raises(MCPError, match="Unknown tool: close_books"):
                await client.call_tool("close_books", {"month": "May"})


@contextlib.contextmanager
def the_example_running(dsn: str, tmp_path: Path) -> Generator[tuple[str, str]]:
    """The README's program and policy, as they stand there but for the port. Gives its URL and a user's token."""
    port = free_port()
    (tmp_path / "app.py").write_text(PORT_LINE.sub(f"port={port}", block("python")))
    (tmp_path / "policy.yaml").write_text(block("yaml"))
    environment = {
        **os.environ,
        "GATETRAIL_DSN": dsn,
        "GATETRAIL_DATA_DIR": str(tmp_path / "data"),
        "GATETRAIL_JWT_SECRET": secrets.token_urlsafe(48),
    }
    minted = subprocess.run(
        [sys.executable, "-m", "gatetrail", "token", "mint", "--user", "ann", "--tier", "user"],
        env=environment,
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=True,
    )
    server = subprocess.Popen(
        [sys.executable, "app.py"], cwd=tmp_path, env=environment, stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL
    )
    try:
        url = f"http://127.0.0.1:{port}/mcp"
        wait_until_open(url)
        yield url, minted.stdout.strip()
    finally:
        server.terminate()
        assert server.wait(WITHIN_S) in (0, -15)


def wait_until_open(url: str) -> None:
    ends_s = time.monotonic() + WITHIN_S
    while time.monotonic() < ends_s:
        try:
            httpx2.get(url, timeout=2)
        except httpx2.TransportError:
            time.sleep(0.05)
        else:
            return
    pytest.fail(f"{url} did not open within {WITHIN_S:g} s")
