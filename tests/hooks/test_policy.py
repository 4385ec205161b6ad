"""What the policy may say of hooks, what can never happen, and what the service has to allow."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from gatetrail.errors import PolicyInvalid, SettingsInvalid
from gatetrail.policy.load import parse_policy
from gatetrail.policy.permits import Permits
from gatetrail.settings import HookSettings, load_settings
from tests.hooks.conftest import OpenHouse, policy_of

pytestmark = [pytest.mark.requirement("D5")]

COMMAND = {"command": {"argv": ["/opt/hooks/freeze"]}}
POST = {"webhook": {"url": "https://hooks.example.com/x", "secret": "soc"}}
PRE = {"id": "h", "event": "pre_tool_use"}
AFTER = {"id": "h", "event": "post_tool_use"}
FAILED = {"id": "h", "event": "post_tool_use_failure", **POST}


def refusal(text: str, permits: Permits | None = None) -> str:
    with pytest.raises(PolicyInvalid) as caught:
        parse_policy(text, "policy.yaml", permits)
    return str(caught.value)


@pytest.mark.parametrize(
    ("hook", "complaint"),
    [
        (PRE, "hooks[0]: expected exactly one of command and webhook"),
        ({**PRE, **COMMAND, **POST}, "hooks[0]: expected exactly one of command and webhook"),
        ({**PRE, "event": "pre_tool", **COMMAND}, "hooks[0].event: unknown hookmoment 'pre_tool'"),
        ({**PRE, "command": {"argv": ["freeze"]}}, "argv[0]: expected the absolute path"),
        ({**PRE, "command": {"argv": ["/opt/hooks/../../bin/sh"]}}, "argv[0]: expected the absolute path"),
        ({**PRE, "command": {"argv": []}}, "hooks[0].command.argv: "),
        ({**PRE, "command": {"argv": "/bin/sh -c x"}}, "argv: expected a list"),
        ({**PRE, "command": {"argv": ["/a"], "folder": "x"}}, "folder: expected the absolute path of a folder"),
        ({**PRE, "webhook": {"url": "http://hooks.example.com/"}}, "http is for loopback addresses only"),
        ({**PRE, "webhook": {"url": "http://localhost.example.com/"}}, "http is for loopback addresses only"),
        ({**PRE, "webhook": {"url": "http://127.0.0.1@169.254.169.254/"}}, "credentials do not belong in a URL"),
        ({**PRE, "webhook": {"url": "file:///etc/passwd"}}, "expected https://HOST/PATH"),
        ({**PRE, "webhook": {"url": "https://a.example/", "headers": {"Cookie": "x"}}}, "is for secrets"),
        ({**PRE, "webhook": {"url": "https://a.example/", "headers": {"Host": "x"}}}, "is set by Gatetrail itself"),
        (
            {**PRE, "webhook": {"url": "https://a.example/", "headers": {"transfer-encoding": "chunked"}}},
            "is set by Gatetrail itself",
        ),
        (
            {**PRE, "webhook": {"url": "https://a.example/", "headers": {"X": "a\nb"}}},
            "expected ASCII text",
        ),
        ({**PRE, **COMMAND, "match": {"servers": ["hr"]}}, "never fits: no server of this policy has such a name"),
        ({**PRE, **COMMAND, "match": {"pattern": "(?=x)"}}, "is no regular expression of RE2"),
        ({**PRE, **COMMAND, "match": {"decisions": ["deny"]}}, "never fits: pre_tool_use is about allowed calls"),
        (
            {**AFTER, **COMMAND, "match": {"gates": ["rate_limit"]}},
            "post_tool_use is about calls that no gate",
        ),
        ({**FAILED, "match": {"decisions": []}}, "never fits: names no decision"),
        ({**FAILED, "match": {"gates": ["scope"]}}, "is about denials alone; it needs decisions: [deny]"),
        ({**FAILED, "match": {"decisions": ["deny"], "gates": ["none"]}}, "never fits: a denial is that of a gate"),
        ({"id": "h", "event": "stop", **POST, "match": {"tools": ["x"]}}, "never fits: stop is about no call"),
        ({"id": "h", "event": "stop", **POST, "arguments": "none"}, "stop is about no call, and so about no arguments"),
        ({**AFTER, **COMMAND, "on_failure": "deny"}, "does nothing: this hook is only told and never asked"),
        ({**PRE, **COMMAND, "async": True, "on_failure": "deny"}, "does nothing: this hook is only told"),
        ({**AFTER, **COMMAND, "async": False}, "nothing waits for a hook on post_tool_use"),
        ({**PRE, **COMMAND, "arguments": "redacted"}, "there are none to show while redaction.preview_bytes is 0"),
        ({**PRE, **COMMAND, "time_limit_ms": 5}, "expected at least 10"),
        ({**PRE, **COMMAND, "when": "x"}, "unknown key"),
    ],
)
def test_what_never_could_happen_is_refused_with_its_place(hook: dict[str, object], complaint: str) -> None:
    told = refusal(policy_of(hook))
    assert complaint in told
    assert told.startswith("policy.yaml:2: hooks[0]")


def test_two_hooks_of_one_name_are_refused() -> None:
    assert "hooks[1].id: the id 'h' belongs to hooks[0] already" in refusal(
        policy_of({**PRE, **COMMAND}, {**PRE, **COMMAND})
    )


@pytest.mark.parametrize(
    ("hook", "complaint"),
    [
        ({**PRE, **COMMAND}, "hooks[0].command.argv[0]: the service allows no such command"),
        (
            {**PRE, "command": {"argv": ["/opt/tools2/x"]}},
            "no such command; hooks.commands in service.yaml: /opt/t",
        ),
        ({**PRE, "command": {"argv": ["/opt/tools/x"], "environment": ["HOME"]}}, "gives 'HOME' to no command"),
        ({**PRE, **POST}, "the service has no secret 'soc'; hooks.secrets in service.yaml has siem"),
        ({**PRE, "webhook": {"url": "https://10.0.0.1/"}}, "lets webhooks go to other hosts only"),
    ],
)
def test_what_the_service_does_not_allow_is_refused_with_its_line(hook: dict[str, object], complaint: str) -> None:
    permits = Permits(commands=("/opt/tools",), secrets=frozenset({"siem"}), hosts=("*.example.com",))
    told = refusal(policy_of(hook), permits)
    assert complaint in told
    assert told.startswith("policy.yaml:2: hooks[0]")


def test_a_program_below_an_allowed_folder_and_an_allowed_host_pass() -> None:
    permits = Permits(commands=("/opt/hooks",), secrets=frozenset({"soc"}), hosts=("*.EXAMPLE.com",))
    parse_policy(policy_of({**PRE, **COMMAND}, {**AFTER, **POST, "id": "i"}), "policy.yaml", permits)


@pytest.mark.anyio
@pytest.mark.postgres
async def test_a_service_refuses_such_a_policy_at_its_start_and_while_it_runs(open_house: OpenHouse) -> None:
    with pytest.raises(PolicyInvalid, match="allows no such command"):
        async with open_house({**PRE, **COMMAND}):
            pass
    async with open_house() as house:
        with pytest.raises(PolicyInvalid, match="allows no such command"):
            house.gate.dispatcher.prepare(parse_policy(policy_of({**PRE, **COMMAND}), "policy.yaml"))


@pytest.mark.anyio
@pytest.mark.postgres
async def test_a_short_secret_is_refused_without_being_told(open_house: OpenHouse) -> None:
    with pytest.raises(SettingsInvalid, match="has 5 bytes") as caught:
        async with open_house(secrets={"soc": "hunt5"}):
            pass
    assert "hunt5" not in str(caught.value)


def test_settings_show_no_secret_and_take_no_detour(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GATETRAIL_HOOKS__SECRETS", json.dumps({"soc": "a secret of the tests"}))
    settings = load_settings(None, data_dir=tmp_path)
    assert "a secret of the tests" not in repr(settings) + str(settings.hooks)
    for wrong in ("bin/sh", "/opt/../bin", "/"):
        with pytest.raises(ValueError, match="expected the absolute path"):
            HookSettings(commands=(wrong,))
    with pytest.raises(ValueError, match="none of our own"):
        HookSettings(environment=frozenset({"GATETRAIL_JWT_SECRET"}))


def test_policy_check_tells_what_a_service_would_refuse(tmp_path: Path) -> None:
    def check(*options: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "gatetrail", "policy", "check", "policy.yaml", *options]
        return subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False, timeout=60)

    service = tmp_path / "service.yaml"
    (tmp_path / "policy.yaml").write_text(policy_of({**PRE, **COMMAND}))
    service.write_text("hooks: {commands: [/opt/other]}\n")
    refused = check("--config", "service.yaml")
    assert refused.returncode == 1
    assert refused.stdout.startswith("policy.yaml:2: hooks[0].command.argv[0]: the service allows no such command")
    service.write_text("hooks: {commands: [/opt/hooks]}\n")
    assert check("--config", "service.yaml").returncode == 0
    unknown = check()
    assert unknown.returncode == 0
    assert "hooks[0].command.argv[0]: is refused where service.yaml does not allow it" in unknown.stderr
