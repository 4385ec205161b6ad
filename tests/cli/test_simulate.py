"""A change of the policy is tried on what was recorded, then in shadow, then put in force."""

from __future__ import annotations

import asyncio
import shlex
import subprocess
from pathlib import Path

import pytest

from gatetrail.policy.load import parse_policy
from tests.checkout import ROOT
from tests.cli.conftest import COMMAND, WITHIN_S, Gatetrail, stopwatch
from tests.cli.recorded import allowed, denied, limited, record
from tests.cli.test_serve import call, token, url_of

pytestmark = [pytest.mark.postgres, pytest.mark.requirement("D7", "D8")]

NOW = """
servers: {finance: {tier: user, conceal: false}}
redaction: {preview_bytes: 500}
"""
NEXT = f"""{NOW}
blocklist:
  - {{id: books, tools: [get_invoice], arguments: [{{path: number, glob: "2026-*"}}], reason: the books are open}}
"""


@pytest.mark.slow
def test_a_change_is_simulated_then_shadowed_then_enforced(gatetrail: Gatetrail, tmp_path: Path) -> None:
    policy, tried = tmp_path / "policy.yaml", tmp_path / "next.yaml"
    policy.write_text(NOW)
    tried.write_text(NEXT)
    version = parse_policy(NEXT, "next").version

    service = gatetrail.start("serve", "--port", "0", "--policy", str(policy))
    url, bearer = url_of(service), token(gatetrail, "--policy", str(policy))
    assert "2026-0118" in asyncio.run(call(f"{url}/mcp/finance", bearer, "get_invoice", number="2026-0118"))
    asyncio.run(call(f"{url}/mcp/finance", bearer, "list_invoices"))
    assert service.end() == 0

    ran = gatetrail("policy", "simulate", "--policy", str(tried), "--json")
    summary = ran.objects[0]
    assert ran.code == 1
    assert (summary["newly_denied"], summary["newly_allowed"], summary["cannot_be_told"]) == (1, 0, 0)
    (example,) = [line for line in ran.objects if line["record"] == "example"]
    assert (example["user_id"], example["tool_name"], example["rule_id"]) == ("ann", "get_invoice", "books")
    assert (example["before_gate"], example["gate"]) == ("none", "blocklist")

    service = gatetrail.start("serve", "--port", "0", "--policy", str(policy), "--shadow-policy", str(tried))
    url = url_of(service)
    assert "2026-0118" in asyncio.run(call(f"{url}/mcp/finance", bearer, "get_invoice", number="2026-0118"))
    newest = gatetrail("events", "--event", "tool_call.decided", "--limit", "1", "--json").objects[0]
    assert (newest["decision"], newest["shadow_gate"], newest["shadow_rule_id"]) == ("allow", "blocklist", "books")
    assert newest["shadow_policy_version"] == version
    assert "would have denied it by blocklist" in gatetrail("why", newest["execution_id"]).out
    assert gatetrail("why", newest["execution_id"], "--json").objects[0]["shadow"]["rule_id"] == "books"

    policy.write_text(NEXT)
    watch = stopwatch()
    while not (changed := gatetrail("events", "--event", "policy.changed", "--limit", "1", "--json").objects) or (
        changed[0]["policy_version"] != version
    ):
        assert watch() < WITHIN_S
    refusal = asyncio.run(call(f"{url}/mcp/finance", bearer, "get_invoice", number="2026-0118"))
    assert "the books are open" in refusal
    newest = gatetrail("events", "--event", "tool_call.decided", "--limit", "1", "--json").objects[0]
    assert newest["decision"] == "deny"
    assert "shadow_gate" not in newest
    assert service.end() == 0

    since = changed[0]["@timestamp"]
    ran = gatetrail("policy", "simulate", "--policy", str(tried), "--since", since, "--json")
    assert (ran.code, ran.objects[0]["same"], ran.objects[0]["decisions"]) == (0, True, 1)


def test_the_table_says_who_could_no_longer_do_what(gatetrail: Gatetrail, dsn: str, tmp_path: Path) -> None:
    record(dsn, [*allowed(), denied(), limited(user_id="eve")])
    tried = tmp_path / "next.yaml"
    tried.write_text("servers: {}")
    ran = gatetrail("policy", "simulate", "--policy", str(tried), "--since", "2000-01-01T00:00:00Z")
    assert ran.code == 1
    assert "1 newly denied" in ran.out
    assert "scope (unknown_server)" in ran.out
    assert "Taken for granted" in ran.out
    assert "gatetrail why" in ran.out


def test_a_record_from_before_scopes_were_recorded_is_not_guessed(
    gatetrail: Gatetrail, dsn: str, tmp_path: Path
) -> None:
    record(dsn, allowed(scopes=None, audiences=None))
    tried = tmp_path / "next.yaml"
    tried.write_text("servers: {finance: {tier: anonymous, scopes: [a]}}")
    ran = gatetrail("policy", "simulate", "--policy", str(tried), "--since", "2000-01-01T00:00:00Z", "--json")
    assert ran.code == 0
    assert (ran.objects[0]["same"], ran.objects[0]["cannot_be_told"]) == (True, 1)
    assert [line["doubt"] for line in ran.objects if line["record"] == "cannot_be_told"] == ["scopes"]


@pytest.mark.parametrize("content", [None, "servers: 3"])
def test_a_policy_that_cannot_be_used_is_wrong_use(gatetrail: Gatetrail, tmp_path: Path, content: str | None) -> None:
    tried = tmp_path / "next.yaml"
    if content is not None:
        tried.write_text(content)
    ran = gatetrail("policy", "simulate", "--policy", str(tried))
    assert (ran.code, ran.out) == (2, "")
    assert ran.errors


def test_an_empty_span_is_the_same(gatetrail: Gatetrail, tmp_path: Path) -> None:
    tried = tmp_path / "next.yaml"
    tried.write_text("servers: {}")
    ran = gatetrail("policy", "simulate", "--policy", str(tried))
    assert ran.code == 0
    assert "the record has no decision of that span" in ran.out


KEYS = {
    "summary": "record policy_version policy_source same decisions unreadable newly_denied newly_allowed other_reason"
    " unchanged cannot_be_told first_at last_at decided_under",
    "gate": "record change by before_gate before_reason_code gate reason_code rule_id count",
    "caller": "record change by caller count",
    "tool": "record change by tool count",
    "example": "record change before_gate before_reason_code gate reason_code rule_id execution_id timestamp user_id"
    " src_ip server_name tool_name before_reason reason",
    "cannot_be_told": "record doubt reason count",
    "assumption": "record text",
}
"""Scripts go by these: more may come, none goes."""


def test_each_line_of_json_has_its_keys(gatetrail: Gatetrail, dsn: str, tmp_path: Path) -> None:
    record(dsn, [*allowed(tool_name="gone"), *allowed(scopes=None), denied()])
    tried = tmp_path / "next.yaml"
    tried.write_text("servers: {finance: {scopes: [a]}}")
    ran = gatetrail("policy", "simulate", "--policy", str(tried), "--since", "2000-01-01T00:00:00Z", "--json")
    found = {str(line.get("by", line["record"])): " ".join(line) for line in ran.objects}
    assert found.items() <= KEYS.items()
    assert {"summary", "cannot_be_told", "assumption"} <= found.keys()


def commands_of(page: str) -> list[str]:
    """Those of the first block below the heading."""
    section = (ROOT / "docs" / page).read_text().partition("## Trying a change before it counts")[2]
    return section.partition("```bash\n")[2].partition("```")[0].splitlines()


@pytest.mark.slow
def test_the_page_shows_a_way_that_can_be_gone(gatetrail: Gatetrail, tmp_path: Path) -> None:
    (tmp_path / "policy.yaml").write_text(NOW)
    (tmp_path / "next.yaml").write_text(NEXT)
    codes = dict[str, int]()
    for line in commands_of("policy.md"):
        words = shlex.split(line)
        if words[:2] == ["gatetrail", "serve"]:
            service = gatetrail.start(*words[1:], "--port", "0")
            url, bearer = url_of(service), token(gatetrail, "--policy", "policy.yaml")
            asyncio.run(call(f"{url}/mcp/finance", bearer, "get_invoice", number="2026-0118"))
            codes[line] = service.end()
        else:
            text = line.replace("gatetrail", shlex.join(COMMAND), 1) if words[0] == "gatetrail" else line
            ran = subprocess.run(["sh", "-c", text], cwd=tmp_path, env=gatetrail.environment, check=False, timeout=60)
            codes[line] = ran.returncode
    # What was let pass is denied by the policy that has been put in force since.
    assert list(codes.values()) == [0, 0, 0, 0, 0, 1]
