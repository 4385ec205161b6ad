"""The page's modules, one by one, in the browser that runs them."""

from __future__ import annotations

import random
import shutil
import subprocess
from collections.abc import AsyncGenerator

import pytest
from playwright.async_api import Browser

from gatetrail.events.asking import FILTER_WORDS
from tests.dashboard.desk import Desk, sitting
from tests.dashboard.house import House
from tests.require import require_or_skip

pytestmark = [pytest.mark.anyio, pytest.mark.postgres, pytest.mark.slow, pytest.mark.requirement("G2")]

STREAM = (
    'retry: 300\n\nid: 1\nevent: a\ndata: {"x":1}\n\n: heartbeat\nid: 7\n\nevent: audit.gap\n'
    "data: one\ndata: two\r\n\r\nid: 9\ndata: \u00fc\n\ndata: never ended"
)
CHARACTERS = "ab \"'\\*?$`!;&|<>(){}[]#~%=:@\u00e9\u202e\n\t-"


@pytest.fixture(scope="module")
async def page(house: House, browser: Browser) -> AsyncGenerator[Desk]:
    """One page for all, since nobody is signed in."""
    async with sitting(house, browser) as desk:
        await desk.open()
        yield desk


async def test_frames_are_the_same_wherever_the_pieces_are_cut(page: Desk) -> None:
    expression = """args[0].map((cut) => {
        const frames = new it.Frames();
        const found = [...frames.push(args[1].slice(0, cut)), ...frames.push(args[1].slice(cut))];
        return JSON.stringify([found, frames.lastId, frames.retryMs]);
    })"""
    found = await page.module("frames", expression, list(range(len(STREAM))), STREAM)
    assert set(found) == {
        (
            '[[{"id":"1","event":"a","data":"{\\"x\\":1}"},{"id":null,"event":"audit.gap","data":"one\\ntwo"},'
            '{"id":"9","event":"message","data":"\u00fc"}],"9",300]'
        )
    }


async def test_a_command_means_the_same_to_a_shell_whatever_is_in_it(page: Desk) -> None:
    chance = random.Random(4)
    wanted = [
        {word: "".join(chance.choices(CHARACTERS, k=chance.randint(1, 12))) for word in ("user", "tool", "session")}
        for _ in range(300)
    ]
    commands = await page.module("queries", "args[0].map((words) => it.eventsCommand(words))", wanted)
    assert [_options(given) for given in _given(commands)] == wanted
    assert not [command for command in commands if not command.isprintable()]


def _given(commands: list[str]) -> list[list[str]]:
    """The arguments that a shell makes of each command."""
    require_or_skip(shutil.which("bash") is not None, "needs bash")
    script = "gatetrail() { printf '%s\\0' \"$@\" ''; }\n" + "\n".join(commands)
    ran = subprocess.run(
        ["bash", "-c", script],
        capture_output=True,
        check=True,
        timeout=60,
        env={"LC_ALL": "C.UTF-8"},
    )
    return [one.split("\0")[1:] for one in ran.stdout.decode().split("\0\0")[:-1]]


def _options(given: list[str]) -> dict[str, str]:
    options: dict[str, str] = {}
    while given:
        name, joined, value = given.pop(0).removeprefix("--").partition("=")
        options[name] = value if joined else given.pop(0)
    return options


async def test_the_same_question_in_three_languages(page: Desk) -> None:
    words = {"user": 'a"b\\c', "tool": "Export_*", "decision": "deny", "since": "1h30m"}
    said = "((question) => [it.splunk(question), it.kql(question), it.esql(question)])(it.byWords(args[0]))"
    assert await page.module("queries", said, words) == [
        (
            'index=* vendor_product="Gatetrail" user_id="a\\"b\\\\c" decision="deny" earliest=-5400s'
            ' | where match(tool_name, "(?i)^Export_.*$") | sort 0 seq'
        ),
        (
            'vendor_product : "Gatetrail" and user_id : "a\\"b\\\\c" and tool_name : Export_* and decision : "deny"'
            ' and @timestamp >= "now-5400s"'
        ),
        (
            'FROM logs-* | WHERE vendor_product == "Gatetrail" AND user_id == "a\\"b\\\\c"'
            ' AND TO_LOWER(tool_name) LIKE "export_*" AND decision == "deny" AND @timestamp >= NOW() - 5400 seconds'
            " | SORT seq | LIMIT 1000"
        ),
    ]
    # Kibana's language has no sign for one character, so nothing is offered rather than something else.
    assert (await page.module("queries", said, {"tool": "a?"}))[1] is None


async def test_the_page_knows_the_filter_words_of_the_service(page: Desk) -> None:
    words = await page.module("words", "it.FILTER_WORDS")
    assert sorted(words) == sorted(FILTER_WORDS)
    assert set(words) == set(
        await page.page.evaluate("[...document.forms.filters.elements].map((one) => one.name).filter(Boolean)")
    )


async def test_a_sample_keeps_denials_and_their_order(page: Desk) -> None:
    rows = [{"at": at, "verdict": "deny" if at % 10 == 0 else "allow"} for at in range(50)]
    kept = await page.module("listing", "it.sampled(args[0], args[1]).map((row) => row.at)", rows, 8)
    assert kept == [0, 10, 20, 30, 40, 47, 48, 49]


async def test_no_code_from_elsewhere_runs_and_nobody_frames_the_page(house: House, browser: Browser) -> None:
    async with sitting(house, browser) as desk:
        await desk.open()
        tried = """() => {
            const script = document.createElement("script");
            script.src = "data:text/javascript,globalThis.hit=1";
            document.head.append(script);
        }"""
        with pytest.raises(Exception, match="TrustedScriptURL"):
            await desk.page.evaluate(tried)
        assert await desk.page.evaluate("globalThis.hit") is None
        desk.complaints.clear()
