from __future__ import annotations

import time
import tracemalloc

import pytest

from gatetrail.call import Endpoint, Kind
from gatetrail.identity.tiers import Tier
from gatetrail.policy.globs import compile_glob
from gatetrail.policy.load import parse_policy
from gatetrail.policy.resolve import MAX_REMEMBERED, Resolved, Resolver

POLICY = """
servers:
  finance:
    tier: service
    scopes: ["finance:read"]
    audience: finance-api
    departments: [finance]
    data_domains: [ledger, accounts]
    time_limit_ms: 5000
    endpoint: inference
    tools:
      "delete_*": {tier: admin, scopes: ["finance:write"]}
      "delete_draft*": {tier: anonymous}
      delete_note: {tier: user, departments: [], time_limit_ms: 10}
    resources:
      "file:///reports/*": {tier: mcp}
    prompts:
      summary: {audience: prompts}
    methods: [tasks/get]
  strict: {unlisted: deny, tools: {listed: {}}, tier: null}
"""
RESOLVER = Resolver(parse_policy(POLICY, "test").document)


def find(name: str, kind: Kind = Kind.TOOL, server: str = "finance") -> Resolved:
    resolved = RESOLVER.resolve(server, kind, name)
    assert resolved is not None
    return resolved


@pytest.mark.requirement("A3")
def test_what_a_tool_does_not_say_is_taken_from_its_server() -> None:
    resolved = find("delete_all")
    assert resolved.tier is Tier.ADMIN
    assert resolved.scopes == {"finance:write"}
    assert resolved.audiences == {"finance-api"}
    assert resolved.departments == {"finance"}
    assert resolved.data_domains == ("accounts", "ledger")
    assert (resolved.time_limit_ms, resolved.endpoint) == (5000, Endpoint.INFERENCE)
    assert resolved.listed


@pytest.mark.requirement("A3")
def test_exact_names_win_over_globs_and_earlier_globs_over_later_ones() -> None:
    assert find("delete_note").tier is Tier.USER
    assert find("delete_draft_7").tier is Tier.ADMIN
    assert find("DELETE_ALL").tier is Tier.ADMIN
    assert find("Delete_Note").tier is Tier.USER


def test_an_empty_list_lifts_what_the_server_asks_for() -> None:
    assert find("delete_note").departments == frozenset()
    assert find("delete_note").time_limit_ms == 10


def test_unlisted_names_are_under_the_server_or_denied() -> None:
    unlisted = find("read")
    assert (unlisted.tier, unlisted.listed, unlisted.denied) == (Tier.SERVICE, False, False)
    strict = find("other", server="strict")
    assert (strict.tier, strict.listed, strict.denied) == (Tier.ANONYMOUS, False, True)
    assert not find("listed", server="strict").denied
    assert not find("", Kind.LISTING, "strict").denied


def test_resources_prompts_and_methods_have_lists_of_their_own() -> None:
    assert find("FILE:///reports/a/b", Kind.RESOURCE).tier is Tier.MCP
    assert find("delete_note", Kind.RESOURCE).tier is Tier.SERVICE
    assert find("summary", Kind.PROMPT).audiences == {"prompts"}
    assert find("tasks/get", Kind.METHOD).listed
    assert not find("tasks/cancel", Kind.METHOD).listed


def test_an_unknown_server_has_no_answer() -> None:
    assert RESOLVER.resolve("other", Kind.TOOL, "read") is None


def test_invented_names_do_not_fill_the_memory() -> None:
    resolver = Resolver(parse_policy(POLICY, "test").document)
    kept_bytes: list[int] = []
    tracemalloc.start()
    try:
        for invented in (range(MAX_REMEMBERED), range(10**6, 10**6 + 2 * MAX_REMEMBERED)):
            for number in invented:
                resolver.resolve("finance", Kind.TOOL, f"tool-{number:08}")
            kept_bytes.append(tracemalloc.get_traced_memory()[0])
        for number in range(100):
            resolver.resolve("finance", Kind.RESOURCE, f"file:///{number}/{'x' * 100_000}")
        kept_bytes.append(tracemalloc.get_traced_memory()[0])
    finally:
        tracemalloc.stop()
    assert max(kept_bytes) < 1.2 * kept_bytes[0]


@pytest.mark.parametrize(
    ("glob", "name", "fits"),
    [
        ("a*b", "a.b", True),
        ("a*b", "a\nb", True),
        ("a?c", "abc", True),
        ("a?c", "ac", False),
        ("[ab]", "a", False),
        ("[ab]", "[AB]", True),
        ("*.env", "x.env", True),
        ("*.env", "xxenv", False),
        ("a*b*c", "abbbc", True),
        ("a*bc*d", "abbcxd", True),
        ("*a*", "", False),
        ("**", "", True),
        ("STRASSE", "straße", True),
    ],
)
def test_globs_know_star_and_question_mark_only(glob: str, name: str, fits: bool) -> None:
    assert bool(compile_glob(glob).fullmatch(name.casefold())) is fits


def test_a_glob_of_many_stars_does_not_run_away() -> None:
    started_s = time.process_time()
    assert not compile_glob("*a" * 60 + "*b").fullmatch("a" * 128)
    assert time.process_time() - started_s < 1
