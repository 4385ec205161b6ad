"""`/v1/events`: the record, searched over HTTP."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import httpx
import orjson
import pytest

from gatetrail.events.journal import Entry
from gatetrail.formats.choice import Format, render_of
from tests.samples import completed, decided
from tests.service.api.conftest import Service

pytestmark = [pytest.mark.anyio, pytest.mark.postgres, pytest.mark.requirement("E4")]

TOOLS = ("get_invoice", "GET_INVOICE", 'quo"ted\\', "straße", "\u2028line\u0085", "🙂 emoji", "tab\tbreak\n")
LINES = "application/x-ndjson"
JSON = "application/json"


@pytest.fixture(scope="module")
async def recorded(service: Service) -> Sequence[Entry]:
    """Sixty decisions with outcomes for some, of three users, and what was there before. More may come later."""
    for index in range(60):
        denied = index % 4 == 0
        decision = decided(
            service.gate.stamp,
            denied=denied,
            user_id=["ann", "bob", None][index % 3],
            tool_name=TOOLS[index % len(TOOLS)],
            client_id="agent" if index % 2 else None,
        )
        await service.gate.journal.append(decision)
        if index % 5 == 1 and not denied:
            await service.gate.journal.append(completed(service.gate.stamp, decision))
    return await service.entries()


async def lines(service: Service, **params: Any) -> tuple[list[bytes], httpx.Headers]:
    answer = await service.get("/v1/events", {**service.as_auditor(), "Accept": LINES}, **params)
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == LINES
    return answer.content.splitlines(), answer.headers


async def test_lines_are_the_journals_own_bytes(service: Service, recorded: Sequence[Entry]) -> None:
    found, headers = await lines(service, limit=1000, before=recorded[-1].seq + 1)
    assert found == [entry.line for entry in recorded]
    assert headers["gatetrail-next-after"] == str(recorded[-1].seq)
    assert int(headers["gatetrail-head-seq"]) >= recorded[-1].seq
    assert "gatetrail-next-before" not in headers
    assert headers["cache-control"] == "no-store"


async def test_objects_hold_the_same_bytes(service: Service, recorded: Sequence[Entry]) -> None:
    answer = await service.get("/v1/events", limit=1000, before=recorded[-1].seq + 1)
    assert b",".join(entry.line for entry in recorded) in answer.content
    assert answer.json()["events"] == [orjson.loads(entry.line) for entry in recorded]


async def test_the_newest_come_first_when_nothing_is_said(service: Service, recorded: Sequence[Entry]) -> None:
    page = (await service.get("/v1/events", limit=7)).json()
    found = [event["seq"] for event in page["events"]]
    assert found == list(range(found[0], found[0] + 7))
    assert page["next_before"] == found[0]
    assert page["next_after"] == page["head_seq"] == found[-1] >= recorded[-1].seq
    assert len((await service.get("/v1/events")).json()["events"]) >= len(recorded)


FILTERS: list[dict[str, Any]] = [{}, {"decision": "deny"}, {"user": "bob"}, {"tool": "GET_*"}, {"client": "nobody"}]


@pytest.mark.parametrize("words", FILTERS)
@pytest.mark.parametrize("limit", [1, 7, 60])
async def test_forwards_everything_comes_once(
    service: Service, recorded: Sequence[Entry], words: dict[str, Any], limit: int
) -> None:
    words = {**words, "before": recorded[-1].seq + 1}
    wanted, _ = await lines(service, limit=1000, **words)
    found: list[bytes] = []
    after = 0
    for _ in range(len(recorded) + 2):
        page, headers = await lines(service, limit=limit, after=after, **words)
        found += page
        after = int(headers["gatetrail-next-after"])
        if not page:
            break
    assert found == wanted
    assert after == recorded[-1].seq


@pytest.mark.parametrize("words", FILTERS)
@pytest.mark.parametrize("limit", [1, 7, 60])
async def test_backwards_everything_comes_once(
    service: Service, recorded: Sequence[Entry], words: dict[str, Any], limit: int
) -> None:
    end = recorded[-1].seq + 1
    wanted, _ = await lines(service, limit=1000, before=end, **words)
    found, headers = await lines(service, limit=limit, before=end, **words)
    for _ in range(len(recorded)):
        if (before := headers.get("gatetrail-next-before")) is None:
            break
        page, headers = await lines(service, limit=limit, before=before, **words)
        assert page, "there was said to be more"
        found = page + found
    assert found == wanted


async def test_between_two_positions(service: Service, recorded: Sequence[Entry]) -> None:
    found, headers = await lines(service, after=10, before=15)
    assert found == [entry.line for entry in recorded if 10 < entry.seq < 15]
    assert (headers["gatetrail-next-after"], headers["gatetrail-next-before"]) == ("14", "11")


async def test_behind_the_end_is_nothing_yet(service: Service, recorded: Sequence[Entry]) -> None:
    end = recorded[-1].seq
    page = (await service.get("/v1/events", after=end, before=end + 1)).json()
    assert page["head_seq"] >= end
    assert page == {"events": [], "next_after": end, "next_before": end + 1, "head_seq": page["head_seq"]}
    beyond = (await service.get("/v1/events", after=2**63 - 1)).json()
    assert (beyond["events"], beyond["next_after"]) == ([], 2**63 - 1)


@pytest.mark.parametrize("chosen", list(Format))
async def test_every_format(service: Service, recorded: Sequence[Entry], chosen: Format) -> None:
    render, end = render_of(chosen), recorded[-1].seq + 1
    page = (await service.get("/v1/events", format=chosen.value, limit=1000, before=end)).json()
    is_text = chosen in {Format.CEF, Format.LEEF}
    rendered = [render(entry) for entry in recorded]
    assert page["events"] == [line.decode() if is_text else orjson.loads(line) for line in rendered]
    assert "unreadable" not in page
    answer = await service.get(
        "/v1/events",
        {**service.as_auditor(), "Accept": f"text/html, {LINES};q=0.9"},
        format=chosen.value,
        limit=1000,
        before=end,
    )
    assert answer.content == b"".join(line + b"\n" for line in rendered)
    assert answer.headers["content-type"].partition(";")[0] == ("text/plain" if is_text else LINES)


@pytest.mark.parametrize(
    ("words", "status", "said"),
    [
        ({"since": "soon"}, 400, "since: 'soon' is no time"),
        ({"since": "1h", "until": "2h"}, 400, "nothing lies between"),
        ({"event": "tool_call.decide"}, 400, "did you mean tool_call.decided?"),
        ({"user": "a\x00b"}, 400, "NUL"),
        ({"tool": "*" * 301}, 422, "tool"),
        ({"trace": "abc"}, 422, "trace"),
        ({"gate": "front"}, 422, "gate"),
        ({"limit": 0}, 422, "limit"),
        ({"limit": 1001}, 422, "limit"),
        ({"after": -1}, 422, "after"),
        ({"before": 2**63}, 422, "before"),
        ({"format": "xml"}, 422, "format"),
        ({"usr": "ann"}, 422, "usr: there is no such parameter"),
    ],
)
async def test_mistakes_are_told(service: Service, words: dict[str, Any], status: int, said: str) -> None:
    answer = await service.get("/v1/events", **words)
    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"
    problem = answer.json()
    assert said in problem["detail"]
    assert problem["status"] == status
    assert problem["code"] == ("wrong_use" if status == 400 else "invalid_request")


async def test_head_has_the_headers_of_get(service: Service) -> None:
    for path in ("/v1/events", "/v1/stats", "/v1/executions", "/v1/policy", "/v1/sinks", "/v1/events/stream"):
        answer = await service.http.head(path, headers=service.as_auditor())
        assert (answer.status_code, answer.content) == (200, b""), path
    assert (await service.http.head("/v1/sinks", headers=service.as_user())).status_code == 403


async def test_what_there_is_not_is_a_problem_too(service: Service) -> None:
    for method, path, status in (("GET", "/v1/nothing", 404), ("POST", "/v1/events", 405), ("GET", "/nothing", 404)):
        answer = await service.http.request(method, path, headers=service.as_auditor())
        assert (answer.status_code, answer.json()["status"]) == (status, status)
        assert answer.headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize(
    ("accept", "chosen"),
    [
        ("", JSON),
        ("*/*", JSON),
        ("text/html", JSON),
        (LINES, LINES),
        (f"{JSON}, {LINES}", LINES),
        (f"{LINES.upper()} ; Q=0.5, */*", LINES),
        (f"{JSON};q=0.1, {LINES};q=0.2", LINES),
        (f"{JSON}, {LINES};q=0.9", JSON),
        (f"{LINES};q=0.0", JSON),
        (f"{LINES};q=nan", JSON),
        (f"{LINES};q=2", JSON),
    ],
)
async def test_the_client_gets_what_it_likes_best(service: Service, accept: str, chosen: str) -> None:
    answer = await service.get("/v1/events", service.as_auditor() | {"Accept": accept}, limit=1)
    assert answer.headers["content-type"].partition(";")[0] == chosen
    assert answer.headers["vary"] == "Accept"
