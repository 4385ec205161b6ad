"""An MCP server over stdio, without any SDK, that does what a test wants, wrong things too. Run as a program.

Everything that it hears is appended to the file that HEARD names, as JSON lines. WAYS names its bad habits.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

TOOLS = ["echo", "die", "hang", "fail", "variables", "noise", "nonsense", "grow", "refuse", "forbidden", "work"]
INSTRUCTIONS = "Ask politely."
SCHEMA = {
    "type": "object",
    "properties": {"text": {"type": "string", "x-own": {"kept": [1, None]}}},
    "$defs": {"deep": {"anyOf": [{"const": 1}, {"const": None}]}},
}

ways = os.environ.get("WAYS", "").split()
tools = list(TOOLS)
working: list[Any] = []


def say(message: dict[str, Any]) -> None:
    sys.stdout.write(json.dumps({"jsonrpc": "2.0", **message}) + "\n")
    sys.stdout.flush()


def text(content: str) -> dict[str, Any]:
    return {"content": [{"type": "text", "text": content}]}


def initialized() -> dict[str, Any]:
    return {
        "protocolVersion": "2025-06-18",
        "capabilities": {"tools": {"listChanged": True}, "logging": {}},
        "serverInfo": {"name": "scripted", "version": "7", "title": "A script"},
        "instructions": INSTRUCTIONS,
    }


def listed(cursor: str | None) -> dict[str, Any]:
    """Two pages."""
    middle = len(tools) // 2
    page, more = (tools[middle:], {}) if cursor == "second" else (tools[:middle], {"nextCursor": "second"})
    return {"tools": [{"name": name, "description": f"Does {name}.", "inputSchema": SCHEMA} for name in page], **more}


def called(name: str, arguments: dict[str, Any], params: dict[str, Any]) -> dict[str, Any] | None:
    """The result of a tool; None: it never answers."""
    results: dict[str, Callable[[], dict[str, Any] | None]] = {
        "echo": lambda: {
            **text(arguments.get("text", "")),
            "_meta": {"example.com/seen": sorted(params.get("_meta", {}))},
        },
        "die": lambda: os.kill(os.getpid(), signal.SIGKILL),
        "hang": lambda: None,
        "fail": lambda: {**text("it did not work"), "isError": True},
        "variables": lambda: text(json.dumps(dict(os.environ))),
        "noise": noisy,
        "nonsense": lambda: {"content": "not a list"},
        "grow": grown,
        "work": lambda: worked(params),
        "finish": lambda: text("finished"),
        "refuse": lambda: None,
    }
    return results.get(name, lambda: text(f"unknown tool {name}"))()


def noisy() -> dict[str, Any]:
    sys.stderr.write(f"token {os.environ.get('TOKEN')} password=hunter2-hunter2\nsecond line\n")
    sys.stderr.flush()
    sys.stdout.write("this is no MCP\n\n")
    return text("made noise")


def grown() -> dict[str, Any]:
    tools.append("grown")
    say({"method": "notifications/tools/list_changed"})
    return text("grown")


def worked(params: dict[str, Any]) -> None:
    """Tells of its progress, and is done when somebody calls `finish`."""
    token = params.get("_meta", {}).get("progressToken")
    for done in (1, 2, 3) if token is not None else ():
        say({"method": "notifications/progress", "params": {"progressToken": token, "progress": done, "total": 3}})


def answer(request: dict[str, Any]) -> None:
    params = request.get("params", {})
    method, request_id = request["method"], request["id"]
    if method == "initialize" and "deaf" not in ways:
        say({"id": request_id, "result": initialized()})
    elif method == "tools/list" and "slow-list" in ways and tools[-1:] == ["grown"] and tools[-2:] != ["grown"] * 2:
        pass
    elif method == "tools/list":
        say({"id": request_id, "result": listed(params.get("cursor"))})
    elif method == "ping":
        say({"id": request_id, "result": {}})
    elif method == "tools/call":
        call(request_id, params)
    elif method != "initialize":
        say({"id": request_id, "error": {"code": -32601, "message": "Method not found"}})


def call(request_id: object, params: dict[str, Any]) -> None:
    match params["name"]:
        case "refuse":
            data = {"with": [os.environ.get("TOKEN")]}
            error = {"code": -32000, "message": f"no: {os.environ.get('TOKEN')}", "data": data}
            say({"id": request_id, "error": error})
        case "work":
            working.append(request_id)
        case "finish":
            for done in working:
                say({"id": done, "result": text("worked")})
        case _:
            pass
    result = called(params["name"], params.get("arguments", {}), params)
    if result is not None:
        say({"id": request_id, "result": result})


def main() -> None:
    if "stubborn" in ways:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
    child = subprocess.Popen(["sleep", "300"]) if "parent" in ways else None
    heard = Path(os.environ["HEARD"]).open("a", buffering=1)  # noqa: SIM115 -- open until the end
    heard.write(json.dumps({"started": os.getpid(), "child": child.pid if child else None}) + "\n")
    for line in sys.stdin:
        heard.write(line)
        message = json.loads(line)
        if "id" in message and "method" in message:
            answer(message)
    while "stubborn" in ways or "endless" in ways:
        signal.pause()


if __name__ == "__main__":
    main()
