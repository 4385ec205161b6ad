from __future__ import annotations

import contextlib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatetrail.errors import PolicyInvalid
from gatetrail.identity.tiers import Tier
from gatetrail.policy.load import MAX_FILE_BYTES, load_policy, parse_policy

WRONG = """\
servers:
  finance:
    tier: boss
    teir: user
    tools:
      "delete_*": {scopes: finance:write}
  bad: 5
blocklist:
  - id: a
    reason: closed
  - id: a
    reason: 5
    tools: [b]
    expires_at: 2026-01-01
rate_limits:
  base_per_s: {mcpp: 5, mcp: -1}
  burst_multiplier: yes
identity: {algorithms: [RS256]}
on: 5
"""


def problems_in(text: str) -> list[str]:
    with pytest.raises(PolicyInvalid) as caught:
        parse_policy(text, "policy.yaml")
    return str(caught.value).splitlines()


def test_all_problems_are_told_at_once_in_the_order_of_their_lines() -> None:
    time = "a time such as 2026-01-31T08:00:00Z"
    tiers = "admin, user, service, a2a, mcp, anonymous"
    lines = problems_in(WRONG)
    assert lines[:9] == [
        f"policy.yaml:3: servers.finance.tier: unknown tier 'boss'; expected one of {tiers}",
        "policy.yaml:4: servers.finance.teir: unknown key; did you mean 'tier'?",
        "policy.yaml:6: servers.finance.tools.delete_*.scopes: expected a list, got the text 'finance:write'",
        "policy.yaml:7: servers.bad: expected keys and values, got the number 5",
        (
            "policy.yaml:9: blocklist[0]: names nothing that it denies, so it would deny every call; "
            'write tools: ["*"] if that is meant'
        ),
        "policy.yaml:11: blocklist[1].id: the id 'a' belongs to blocklist[0] already; ids are unique",
        "policy.yaml:12: blocklist[1].reason: expected text, got the number 5; put it in quotes",
        f"policy.yaml:14: blocklist[1].expires_at: expected {time}, got the text '2026-01-01'",
        (
            "policy.yaml:16: rate_limits.base_per_s.mcpp: unknown endpoint 'mcpp' "
            "(did you mean 'mcp'?); expected one of mcp, inference, oauth, contexts, tasks, "
            "artifacts, registries, agents, stream, content"
        ),
    ]
    assert [line.split(": ")[0] for line in lines[9:]] == [
        "policy.yaml:16",
        "policy.yaml:17",
        "policy.yaml:18",
        "policy.yaml:19",
    ]
    assert "does not go with the shared secret; expected HS256; public keys belong to an entry of" in lines[-2]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "policy.yaml: is empty; expected keys"),
        ("# nothing\n", "policy.yaml: is empty; expected keys"),
        ("- a\n", "policy.yaml:1: expected keys such as servers"),
        ("servers:\n  a: [\n", "policy.yaml:3: not YAML:"),
        ("servers: {}\nservers: {}\n", "policy.yaml:2: servers: stands here twice, first on line 1"),
        ("servers: *x\n", "policy.yaml:1: "),
        ("a: 1\n---\nb: 2\n", "policy.yaml:2: a second document starts here"),
        ("servers:\n  1: {}\n", "policy.yaml:2: servers: keys are text; put quotes around 1"),
        ("servers:\n  <<: {}\n", "policy.yaml:2: servers: merge keys are not supported"),
        ("servers: !!python/object:os.system {}\n", "policy.yaml:1: "),
        ("version: 2\n", "policy.yaml:1: version: expected at most 1, got the number 2"),
        ("version: !!binary aGk=\n", "policy.yaml:1: version: the tag"),
        ("identity:\n  leeway_s: .inf\n", "policy.yaml:2: identity.leeway_s: expected a number"),
        ("servers: {é: \n\x01}", "policy.yaml:2: not YAML: holds the control character '\\x01'"),
        ("identity: {algorithms: []}\n", "policy.yaml:1: identity.algorithms: names no algorithm"),
        ("scanner:\n  agents: ['!']\n", "policy.yaml:2: scanner.agents[0]: holds no letter"),
        ("servers: {'': {}}\n", "policy.yaml:1: "),
    ],
)
def test_a_wrong_text_is_told_with_its_line(text: str, message: str) -> None:
    assert problems_in(text)[0].startswith(message)


@pytest.mark.parametrize("bracket", ["[", "{a: ", "- "])
def test_deep_nesting_is_refused_and_does_not_crash(bracket: str) -> None:
    assert "nested more than 32 levels deep" in problems_in(bracket * 100_000)[0]


def test_aliases_that_grow_without_bound_are_refused() -> None:
    layers = "".join(f"l{n}: &l{n} [{', '.join([f'*l{n - 1}'] * 10)}]\n" for n in range(1, 20))
    text = f"l0: &l0 [x, x, x, x, x, x, x, x, x, x]\n{layers}"
    assert "aliases stand for more than 10,000 values" in problems_in(text)[0]


def test_a_plain_alias_stands_for_what_it_names() -> None:
    text = "servers:\n  a: &base {tier: admin}\n  b: *base\n"
    servers = parse_policy(text, "policy.yaml").document.servers
    assert servers["a"] == servers["b"]
    assert servers["b"].tier is Tier.ADMIN


def test_words_that_older_yaml_takes_for_truth_values_stay_words() -> None:
    text = "blocklist: [{id: no, departments: [no, on, off], reason: yes}]\n"
    (entry,) = parse_policy(text, "policy.yaml").document.blocklist
    assert (entry.id, entry.departments, entry.reason) == ("no", ("no", "on", "off"), "yes")


def test_an_entry_for_everything_must_be_written_out() -> None:
    text = 'blocklist: [{id: all, tools: ["*"], reason: maintenance}]\n'
    assert parse_policy(text, "policy.yaml").document.blocklist[0].tools == ("*",)


@pytest.mark.requirement("D2")
def test_the_version_follows_meaning_and_not_comments() -> None:
    def version(text: str) -> str:
        return parse_policy(text, "policy.yaml").version

    first = version("servers: {a: {scopes: [x, y, z]}}\n")
    assert len(first) == 16
    assert first == version("# why\nservers:\n  a:\n    scopes: [z, y, x]  # any order\n")
    assert first != version("servers: {a: {scopes: [x, y]}}\n")
    tools = "servers: {a: {tools: {'a*': {tier: %s}, '*b': {tier: %s}}}}\n"
    swapped = "servers: {a: {tools: {'*b': {tier: user}, 'a*': {tier: admin}}}}\n"
    assert version(tools % ("admin", "user")) != version(swapped)


def test_files_that_cannot_be_read_are_told_without_a_line(tmp_path: Path) -> None:
    def message(path: Path) -> str:
        with pytest.raises(PolicyInvalid) as caught:
            load_policy(path)
        return str(caught.value).replace(str(path), "FILE")

    assert message(tmp_path / "none.yaml") == "FILE: there is no such file"
    assert message(tmp_path) == "FILE: cannot be read: Is a directory"
    latin = tmp_path / "latin.yaml"
    latin.write_bytes("servers: {}\n# Prüfung\n".encode("latin-1"))
    assert message(latin) == "FILE:2: is not UTF-8 (byte 0xfc)"
    large = tmp_path / "large.yaml"
    large.write_bytes(b"#" * (MAX_FILE_BYTES + 1))
    assert message(large) == "FILE: is larger than 5 MB"


def test_a_good_file_is_read_byte_order_mark_or_not(tmp_path: Path) -> None:
    file = tmp_path / "policy.yaml"
    file.write_bytes(b"\xef\xbb\xbfservers: {finance: {tier: admin}}\n")
    policy = load_policy(file)
    assert policy.document.servers["finance"].tier is Tier.ADMIN
    assert policy.source == str(file)


@given(st.text(st.sampled_from("ab:[]{}&*-?|>!#%'\" \n\t,1.~<é\ud800\x00"), max_size=60))
def test_no_text_gives_anything_but_a_policy_or_its_problems(text: str) -> None:
    with contextlib.suppress(PolicyInvalid):
        parse_policy(text, "policy.yaml")
