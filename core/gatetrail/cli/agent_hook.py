"""One report of an agent, brought to the service: what `gatetrail hook EVENT` does.

An agent starts this before each use of a tool and waits for it, so it imports little and nothing of ours that is large.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from threading import Timer
from typing import Any, NoReturn, TextIO, cast
from urllib.parse import urlsplit

from gatetrail.cli.token_text import TOKEN_VARIABLE, token_text
from gatetrail.errors import GatetrailError

GATE = "PreToolUse"
EVENTS = (
    *(GATE, "PostToolUse", "PostToolUseFailure", "SessionStart", "SessionEnd", "UserPromptSubmit", "Notification"),
    *("Stop", "SubagentStart", "SubagentStop"),
)
PATH = "/hooks/claude-code"
DECISION_HEADER = "Gatetrail-Decision"
TIMEOUT_S = 10.0
DENIED = 2
"""The exit code that keeps Claude Code from using the tool, with stderr as the reason. Any other lets it go on."""
MAX_ANSWER_BYTES = 1 << 20
_OK = 200


class NoAnswer(Exception):
    """The service gave no answer that could be relied on; the text says why."""


def report(event: str, *, url: str | None, token_file: Path | None, timeout_s: float) -> int:
    """Bring what stands on stdin to the service, print its answer, and give the exit code.

    `event` is one of `EVENTS`. Without an answer a tool is denied, and of any other moment there is a warning. The
    whole of it takes no longer than `timeout_s`.
    """
    sure = _Sure(is_gate=event == GATE)
    watch = Timer(timeout_s, sure.end, [f"no answer within {timeout_s:g} s"])
    watch.daemon = True
    watch.start()
    try:
        body = _report()
        sure.is_gate |= _asks(body)
        answer = _answer_of(_needed_url(url), _needed_token(token_file), body, timeout_s, is_gate=sure.is_gate)
        if answer:
            _put(sys.stdout, json.dumps(answer))
        watch.cancel()
    except (NoAnswer, GatetrailError) as problem:
        return sure.told(str(problem))
    except BaseException as problem:  # noqa: BLE001 -- whatever it is, a tool that was not decided on is not used
        sure.end(f"unexpected {type(problem).__name__}: {problem}")
    return 0


class _Sure:
    """Knows what the lack of an answer means."""

    def __init__(self, *, is_gate: bool) -> None:
        self.is_gate = is_gate

    def told(self, why: str) -> int:
        """Say why there is no answer, and give the exit code."""
        line = " ".join(why.split())
        told = f"Denied: Gatetrail has not decided: {line}" if self.is_gate else f"gatetrail: warning: {line}"
        code = DENIED if self.is_gate else 0
        try:
            _put(sys.stderr, told)
        except BaseException:  # noqa: BLE001 -- nobody can be told why, and Python would make another code of it
            os._exit(code)
        return code

    def end(self, why: str) -> NoReturn:
        """The same at once, from any thread, whatever the first one is stuck in or what cannot be written any more."""
        os._exit(self.told(why))


def _report() -> bytes:
    if sys.stdin is None:  # closed, which is no type that Python's own stubs know
        raise NoAnswer("there is no report on stdin")
    return sys.stdin.buffer.read()


def _put(stream: TextIO, line: str) -> None:
    stream.write(f"{line}\n")
    stream.flush()


def _needed_url(url: str | None) -> str:
    if not url:
        raise NoAnswer("no service is named; set GATETRAIL_URL, or say --url")
    return url


def _needed_token(file: Path | None) -> str:
    token = token_text(file)
    if token is None:
        raise NoAnswer(f"there is no token; set {TOKEN_VARIABLE} or GATETRAIL_TOKEN_FILE, or say --token-file")
    return token


def _asks(body: bytes) -> bool:
    """Whether a report asks for a tool, whatever the command was told that it is."""
    try:
        payload: object = json.loads(body)
    except ValueError:
        return False
    return isinstance(payload, dict) and cast("dict[str, object]", payload).get("hook_event_name") == GATE


def _answer_of(url: str, token: str, body: bytes, timeout_s: float, *, is_gate: bool) -> dict[str, Any]:
    status, decision_id, text = _posted(url, token, body, timeout_s)
    answer = _object_in(text)
    if status != _OK:
        told = answer.get("detail")
        raise NoAnswer(f"{_shown(url)} answers {status}" + (f": {told}" if isinstance(told, str) else ""))
    # Something else that listens there may well say {} as well.
    if is_gate and decision_id is None and not _denies(answer):
        raise NoAnswer(f"{_shown(url)} answers without a decision; is it a Gatetrail service?")
    return answer


def _posted(url: str, token: str, body: bytes, timeout_s: float) -> tuple[int, str | None, bytes]:
    from http.client import HTTPConnection, HTTPException, HTTPSConnection

    try:
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname or parts.query or parts.fragment or "@" in url:
            raise NoAnswer(f"{_shown(url)} is no address of a service; expected for example http://127.0.0.1:8080")
        kind = HTTPSConnection if parts.scheme == "https" else HTTPConnection
        connection = kind(parts.hostname, parts.port, timeout=timeout_s)
        headers = {
            "Authorization": f"Bearer {token}",
            "Content-Type": "application/json",
            "Connection": "close",
            "User-Agent": "gatetrail-hook",
        }
        connection.request("POST", parts.path.rstrip("/") + PATH, body, headers)
        response = connection.getresponse()
        return response.status, response.getheader(DECISION_HEADER), response.read(MAX_ANSWER_BYTES)
    except (OSError, HTTPException, ValueError) as problem:
        raise NoAnswer(f"{_shown(url)} does not answer: {problem}") from None


def _object_in(text: bytes) -> dict[str, Any]:
    try:
        answer: object = json.loads(text)
    except ValueError:
        answer = None
    if not isinstance(answer, dict):
        raise NoAnswer("the answer is none of a Gatetrail service")
    return cast("dict[str, Any]", answer)


def _denies(answer: dict[str, Any]) -> bool:
    output: object = answer.get("hookSpecificOutput")
    return isinstance(output, dict) and cast("dict[str, object]", output).get("permissionDecision") == "deny"


def _shown(url: str) -> str:
    """The address without what may stand before an @."""
    return url.rpartition("@")[2]
