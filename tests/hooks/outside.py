"""Programs and receivers that hooks are given in tests, all real."""

from __future__ import annotations

import os
import ssl
import sys
import threading
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import orjson


@dataclass(frozen=True)
class Programs:
    """A folder of programs, in Python without its packages, so that they start quickly."""

    folder: Path

    def write(self, name: str, code: str) -> str:
        """The path of a program that has `told`, what stood on its stdin, and `note`, which leaves a line."""
        path = self.folder / name
        path.write_text(f"#!{sys.executable} -IS\n{_PROLOGUE.format(notes=str(self.notes))}{code}\n")
        path.chmod(0o755)
        return str(path)

    @property
    def notes(self) -> Path:
        return self.folder / "notes"

    def noted(self) -> list[str]:
        return self.notes.read_text().splitlines() if self.notes.exists() else []


_PROLOGUE = """import json, os, signal, sys, time
def note(text):
    with open({notes!r}, "a") as file: file.write(str(text) + "\\n")
def told(): return json.load(sys.stdin)
"""


@dataclass(frozen=True)
class Heard:
    """One request."""

    headers: Mapping[str, str]
    body: bytes

    @property
    def told(self) -> dict[str, Any]:
        found: dict[str, Any] = orjson.loads(self.body)
        return found


@dataclass
class Receiver:
    """An HTTP server that answers as `answer` says, or with 204."""

    answer: Callable[[BaseHTTPRequestHandler, Heard], None] | None = None
    heard: list[Heard] = field(default_factory=list[Heard])
    port: int = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/hook"


def reply(handler: BaseHTTPRequestHandler, status: int, body: bytes = b"", **headers: str) -> None:
    """A whole answer."""
    handler.send_response(status)
    for name, value in {"Content-Length": str(len(body)), **headers}.items():
        handler.send_header(name, value)
    handler.end_headers()
    handler.wfile.write(body)


def no_content(handler: BaseHTTPRequestHandler, _: Heard) -> None:
    """Nothing against it."""
    reply(handler, 204)


@contextmanager
def receiving(tls: ssl.SSLContext | None = None) -> Generator[Receiver]:
    """A receiver on a free port of its own."""
    receiver = Receiver()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            heard = Heard(dict(self.headers.items()), self.rfile.read(int(self.headers["Content-Length"])))
            receiver.heard.append(heard)
            try:
                (receiver.answer or no_content)(self, heard)
            except OSError:
                self.close_connection = True

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 -- the name is the base's
            """Quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    if tls is not None:
        server.socket = tls.wrap_socket(server.socket, server_side=True)
    receiver.port = server.server_address[1]
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    yield receiver
    server.shutdown()
    server.server_close()
    thread.join(5)


def lives(pid: int) -> bool:
    """Whether a process is there and no zombie."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    try:
        return ") Z " not in Path(f"/proc/{pid}/stat").read_text()
    except FileNotFoundError:
        return False
