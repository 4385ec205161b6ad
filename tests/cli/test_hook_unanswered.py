"""`gatetrail hook` where nothing answers that could be relied on: no tool is used."""

from __future__ import annotations

import asyncio
import subprocess
from collections.abc import Sequence

import pytest

from tests.cli.conftest import Ran
from tests.cli.hook_command import (
    COMMAND,
    NOBODY_THERE,
    Answering,
    drip,
    end,
    environment,
    hang,
    hook,
    listening,
    payload,
    saying,
)
from tests.service.api.conftest import WITHIN_S

pytestmark = [pytest.mark.anyio, pytest.mark.requirement("A9", "E4")]

ELSEWHERE: list[tuple[str, Answering]] = [
    ("500", saying("500 Oops", b"{}")),
    ("garbage", saying("200 OK", b"<html>")),
    ("empty", saying("200 OK", b"")),
    ("a list", saying("200 OK", b"[]")),
    ("a stranger's yes", saying("200 OK", b"{}")),
    ("a stranger's allow", saying("200 OK", b'{"hookSpecificOutput":{"permissionDecision":"allow"}}')),
    ("no content", saying("204 No Content", b"")),
    ("elsewhere", saying("302 Found", b"", "Location: http://127.0.0.1:1/")),
    ("no HTTP", saying("")),
    ("half an answer", saying("200 OK", b"{}", "Transfer-Encoding: chunked")),
    ("an end", end),
    ("silence", hang),
    ("drops", drip),
]


@pytest.mark.parametrize(("event", "code"), [("PreToolUse", 2), ("PostToolUse", 0)])
async def test_what_is_no_answer_denies_a_tool_and_only_warns_of_the_rest(event: str, code: int) -> None:
    async def asked(answering: Answering) -> Ran:
        async with listening(answering) as url:
            variables = {"GATETRAIL_URL": url, "GATETRAIL_TOKEN": "a.b.c"}
            return await hook(event, "--timeout", "3", stdin=payload(event, "s"), variables=variables)

    wrong = [one for one in ELSEWHERE if code == 2 or ("yes" not in one[0] and "allow" not in one[0])]
    for number in range(0, len(wrong), 4):
        some = wrong[number : number + 4]
        for (what, _), ran in zip(some, await asyncio.gather(*(asked(one[1]) for one in some)), strict=True):
            assert (ran.code, ran.out) == (code, ""), what
            assert ran.err.startswith("Denied: " if code else "gatetrail: warning: "), what
            assert len(ran.err.splitlines()) == 1


UNSET: list[tuple[str, Sequence[str], dict[str, str], bytes]] = [
    ("is down", (), {"GATETRAIL_URL": NOBODY_THERE, "GATETRAIL_TOKEN": "a.b.c"}, b"{}"),
    ("no service is named", (), {"GATETRAIL_TOKEN": "a.b.c"}, b"{}"),
    ("there is no token", (), {"GATETRAIL_URL": NOBODY_THERE}, b"{}"),
    ("cannot be read", ("--token-file", "/nonexistent"), {"GATETRAIL_URL": NOBODY_THERE}, b"{}"),
    ("holds no token", (), {"GATETRAIL_URL": NOBODY_THERE, "GATETRAIL_TOKEN": "two words"}, b"{}"),
    ("is no address", (), {"GATETRAIL_URL": "ftp://x", "GATETRAIL_TOKEN": "a.b.c"}, b"{}"),
    ("is no address", (), {"GATETRAIL_URL": "http://u:secret@127.0.0.1", "GATETRAIL_TOKEN": "a.b.c"}, b"{}"),
    ("does not answer", (), {"GATETRAIL_URL": "http://[::1", "GATETRAIL_TOKEN": "a.b.c"}, b"{}"),
    ("does not answer", (), {"GATETRAIL_URL": "http://x.invalid:99999", "GATETRAIL_TOKEN": "a.b.c"}, b"{}"),
    ("does not answer", (), {"GATETRAIL_URL": NOBODY_THERE, "GATETRAIL_TOKEN": "a.b.c"}, b"[" * 100_000),
    ("does not answer", (), {"GATETRAIL_URL": NOBODY_THERE, "GATETRAIL_TOKEN": "a.b.c"}, b"\xff\xfe"),
]


@pytest.mark.parametrize(("event", "code"), [("PreToolUse", 2), ("Stop", 0)])
async def test_what_is_not_set_up_denies_a_tool_and_only_warns_of_the_rest(event: str, code: int) -> None:
    for number in range(0, len(UNSET), 4):
        some = UNSET[number : number + 4]
        running = (hook(event, *arguments, stdin=stdin, variables=variables) for _, arguments, variables, stdin in some)
        for (what, _, _, _), ran in zip(some, await asyncio.gather(*running), strict=True):
            assert (ran.code, ran.out) == (code, ""), (what, ran)
            assert what in ran.err or what == "is down" or "RecursionError" in ran.err, ran.err
            assert "secret" not in ran.err
            assert "a.b.c" not in ran.err


@pytest.mark.parametrize("closed", ["<&-", ">&-", "2>&-", ">&- 2>&-", ">/dev/full", "2>/dev/full", ">/dev/full 2>&1"])
async def test_what_cannot_be_read_or_told_denies_a_tool(closed: str) -> None:
    """Any other exit code than 2, as Python's own 1 and 120, would let the agent go on."""
    denial = b'{"hookSpecificOutput":{"permissionDecision":"deny"}}'

    async def ended(url: str) -> int:
        process = await asyncio.create_subprocess_exec(
            *("sh", "-c", f'exec "$@" {closed}', "sh", *COMMAND, "PreToolUse", "--url", url),
            env=environment(GATETRAIL_TOKEN="a.b.c"),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        async with asyncio.timeout(WITHIN_S):
            out, err = await process.communicate(payload("PreToolUse", "s"))
        assert b"Traceback" not in err
        return 2 if out.strip() == denial.replace(b":", b": ") else process.returncode or 0

    async with listening(saying("200 OK", denial)) as url:
        assert set(await asyncio.gather(ended(url), ended(NOBODY_THERE))) == {2}


async def test_a_payload_that_asks_for_a_tool_counts_more_than_the_argument() -> None:
    variables = {"GATETRAIL_URL": NOBODY_THERE, "GATETRAIL_TOKEN": "a.b.c"}
    assert (await hook("Stop", stdin=payload("PreToolUse", "s"), variables=variables)).code == 2


async def test_all_of_it_keeps_the_time_limit_even_while_it_is_asked_nothing() -> None:
    process = await asyncio.create_subprocess_exec(
        *COMMAND,
        *("PreToolUse", "--timeout=0.5", "--url", NOBODY_THERE),
        env=environment(GATETRAIL_TOKEN="a.b.c"),
        stdin=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    assert process.stderr is not None
    async with asyncio.timeout(WITHIN_S):
        assert b"no answer within 0.5 s" in await process.stderr.read()  # stdin stays open
        assert await process.wait() == 2


def test_a_wrong_word_denies_and_names_the_right_ones() -> None:
    for arguments in (["Pretooluse"], ["PreToolUse", "--timeout", "soon"], ["PreToolUse", "--frobnicate"], []):
        ran = subprocess.run([*COMMAND, *arguments], env=environment(), capture_output=True, check=False, input=b"{}")
        assert ran.returncode == 2
        assert b"Traceback" not in ran.stderr
