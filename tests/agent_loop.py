"""An agent that follows the hook protocol of Claude Code, for whatever stands in its settings.

What it does with answers is what the reference tells (code.claude.com/docs/en/hooks): of a command exit code 2 denies,
and so does a decision in the JSON that it prints; of HTTP only a decision in a 2xx answer. Everything else lets the
tool be used, unless the hook has `onFailure: block`, which agents know since October 2026.
"""

from __future__ import annotations

import json
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import httpx

from gatetrail.service.agents.samples import PAYLOADS

DENIES = 2


@dataclass(frozen=True, slots=True)
class Heard:
    """What came of one moment."""

    denied: str | None = None
    """Why a tool must not be used."""
    approved: bool = False
    context: str = ""
    """What the model would read."""
    failed: str = ""
    """What the user would see of a hook that gave no answer."""


@dataclass
class AgentLoop:
    """One session. `used` are the tools that were really used."""

    settings: Mapping[str, Any]
    environment: Mapping[str, str]
    session_id: str
    knows_on_failure: bool = True
    used: list[str] = field(default_factory=list[str])
    heard: list[Heard] = field(default_factory=list[Heard])

    def use(self, tool: str, fails: bool = False, **tool_input: Any) -> Heard:
        """Ask, use the tool if nobody denies, and report how that went."""
        use = {"tool_name": tool, "tool_input": tool_input, "tool_use_id": f"toolu_{len(self.heard)}"}
        asked = self.moment("PreToolUse", **use)
        if asked.denied is None:
            self.used.append(tool)
            if fails:
                self.moment("PostToolUseFailure", **use, error="it failed")
            else:
                self.moment("PostToolUse", **use, tool_response={"stdout": "done"})
        return asked

    def moment(self, name: str, **keys: Any) -> Heard:
        """One of the ten; what all hooks on it said together."""
        payload = {**PAYLOADS[name], **keys, "session_id": self.session_id}
        heard = Heard()
        for group in self.settings["hooks"].get(name, ()):
            for hook in group["hooks"]:
                heard = self._run(hook, payload)
                if heard.failed and hook.get("onFailure") == "block" and self.knows_on_failure:
                    heard = Heard(denied=heard.failed, failed=heard.failed)
        self.heard.append(heard)
        return heard

    def _run(self, hook: Mapping[str, Any], payload: Mapping[str, Any]) -> Heard:
        match hook["type"]:
            case "command":
                return self._command(hook, payload)
            case "http":
                return self._http(hook, payload)
            case kind:
                raise AssertionError(f"the agent knows no hook of type {kind!r}")

    def _command(self, hook: Mapping[str, Any], payload: Mapping[str, Any]) -> Heard:
        try:
            ran = subprocess.run(
                ["/bin/sh", "-c", hook["command"]],
                input=json.dumps(payload).encode(),
                env=dict(self.environment),
                capture_output=True,
                timeout=hook["timeout"],
                check=False,
            )
        except subprocess.TimeoutExpired:
            return Heard(failed="the hook took too long")
        if ran.returncode == DENIES:
            return Heard(denied=ran.stderr.decode())
        if ran.returncode:
            return Heard(failed=f"the hook ended with {ran.returncode}")
        return _said(ran.stdout.decode())

    def _http(self, hook: Mapping[str, Any], payload: Mapping[str, Any]) -> Heard:
        headers = {name: self._filled(value, hook["allowedEnvVars"]) for name, value in hook["headers"].items()}
        try:
            answer = httpx.post(hook["url"], json=dict(payload), headers=headers, timeout=hook["timeout"])
        except httpx.HTTPError as problem:
            return Heard(failed=f"the hook cannot be asked: {problem}")
        if not answer.is_success:
            return Heard(failed=f"the hook answered {answer.status_code}")
        return _said(answer.text)

    def _filled(self, value: str, names: list[str]) -> str:
        for name in names:
            value = value.replace(f"${name}", self.environment.get(name, ""))
        return value


def _said(text: str) -> Heard:
    if not text.strip():
        return Heard()
    try:
        told = json.loads(text)
    except ValueError:
        return Heard(context=text)
    output = told.get("hookSpecificOutput", {})
    if told.get("decision") == "block" or output.get("permissionDecision") == "deny":
        return Heard(denied=told.get("reason") or output["permissionDecisionReason"])
    return Heard(approved=output.get("permissionDecision") == "allow")
