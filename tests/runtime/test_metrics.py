"""What `/metrics` tells, over real HTTP and PostgreSQL, beside what really happened."""

from __future__ import annotations

import asyncio
import re
from collections import Counter
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import cast

import pytest
from prometheus_client import Metric
from prometheus_client.openmetrics import parser

from gatetrail.events.model import ToolCallCompleted, ToolCallDecided
from gatetrail.gates.shadow import Shadow
from gatetrail.policy.load import parse_policy
from gatetrail.runtime.metrics.tallies import Durations
from gatetrail.upstreams import CommandTarget, Limits, MountedServer, Revealed, Upstream
from tests.checkout import ROOT
from tests.delivery.driving import until
from tests.runtime.observed import Service, observed

pytestmark = [pytest.mark.anyio, pytest.mark.postgres, pytest.mark.requirement("G5")]

TRAFFIC = {"add": 5, "fails": 2, "naps": 1, "pay": 3, "closed": 4, "unheard_of": 2}


def openmetrics(text: str) -> list[Metric]:
    """What a reader that keeps to OpenMetrics makes of a text."""
    families = cast("Callable[[str], Iterable[Metric]]", vars(parser)["text_string_to_metric_families"])
    return [*families(text)]


async def tell(service: Service) -> None:
    for tool, count in TRAFFIC.items():
        for _ in range(count):
            await service.call(tool, {"a": 1, "b": 2} if tool == "add" else None)


def file_sink(path: Path, name: str = "copy") -> dict[str, dict[str, str]]:
    return {name: {"type": "file", "path": str(path)}}


async def until_moved(service: Service) -> None:
    """Until the one sink has all that is recorded now."""
    (follower,) = service.gate.followers
    head_seq = await service.gate.journal.head_seq()
    await until(lambda: follower.state().cursor_seq >= head_seq)


async def test_the_numbers_are_those_of_the_record(dsn: str, tmp_path: Path) -> None:
    async with observed(dsn, tmp_path) as service:
        await tell(service)
        events = [entry.event() for entry in await service.gate.journal.read(0, 1_000)]
        decisions = Counter((one.decision, str(one.gate)) for one in events if isinstance(one, ToolCallDecided))
        outcomes = Counter(str(one.execution_status) for one in events if isinstance(one, ToolCallCompleted))
        assert decisions == {("allow", "none"): 8, ("deny", "scope"): 5, ("deny", "blocklist"): 4}
        assert outcomes == {"success": 5, "failed": 2, "timeout": 1}

        for _ in range(2):  # asking changes nothing
            counted = await service.values("gatetrail_decisions_total")
            assert {labels: count for labels, count in counted.items() if count} == decisions
            ended = await service.values("gatetrail_outcomes_total")
            assert {status: count for (status,), count in ended.items()} == outcomes
        assert (await service.values("gatetrail_decision_seconds_count"))[()] == 17
        assert (await service.values("gatetrail_admission_seconds_count"))[()] == 17
        took = await service.values("gatetrail_call_seconds_count")
        assert {status: count for (status,), count in took.items()} == outcomes
        assert 0.03 <= (await service.values("gatetrail_call_seconds_sum"))["timeout",] < 10
        assert (await service.values("gatetrail_commit_seconds_count"))[()] >= 17
        assert (await service.values("gatetrail_journal_head_seq"))[()] == events[-1].seq
        assert await service.values("gatetrail_policy_info") == {(service.gate.policy.version,): 1}
        assert await service.values("gatetrail_policy_processes") == {(service.gate.policy.version,): 1}
        assert (await service.values("gatetrail_ready"))[()] == 1
        parts = [("database",), ("followers",), ("journal",)]
        assert await service.values("gatetrail_up") == dict.fromkeys(parts, 1)


async def test_calls_for_which_a_shadow_failed_are_counted(
    dsn: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(*_: object) -> None:
        raise ZeroDivisionError("of ours")

    async with observed(dsn, tmp_path) as service:
        tried = parse_policy("servers: {}", "tried")
        service.gate.dispatcher.adopt(service.gate.dispatcher.prepare_shadow(tried))
        monkeypatch.setattr(Shadow, "look", fails)
        for _ in range(2):
            await service.call("add", {"a": 1, "b": 2})
        assert (await service.values("gatetrail_shadow_failures_total"))[()] == 2
        assert (await service.values("gatetrail_outcomes_total"))["success",] == 2


async def test_nothing_tells_who_asked_for_what(dsn: str, tmp_path: Path) -> None:
    async with observed(dsn, tmp_path) as service:
        await service.call("add", {"a": 77_777, "b": 1}, user="ann.walker")
        text = (await service.http.get("/metrics")).text
        assert 'gate="none"} 1.0' in text
        assert not re.search(r"ann\.walker|77777|finance|127\.0\.0\.1", text)
        labels = {name for sample in await service.samples() for name in sample.labels}
        known = {"decision", "gate", "hook_event", "le", "outcome", "part", "state", "status", "version"}
        assert labels == known


async def test_openmetrics_is_told_to_who_accepts_it(dsn: str, tmp_path: Path) -> None:
    async with observed(dsn, tmp_path) as service:
        await service.call("add", {"a": 1, "b": 2})
        plain = await service.http.get("/metrics")
        answer = await service.http.get("/metrics", headers={"accept": "application/openmetrics-text;version=1.0.0"})
        families = {family.name: family for family in openmetrics(answer.text)}
    assert plain.headers["content-type"].startswith("text/plain; version=0.0.4; charset=utf-8")
    assert "_created" not in plain.text
    assert answer.headers["content-type"].startswith("application/openmetrics-text; version=1.0.0; charset=utf-8")
    assert families["gatetrail_decisions"].type == "counter"
    assert families["gatetrail_call_seconds"].type == "histogram"
    assert families["gatetrail_build"].type == "info"


async def test_a_format_of_no_known_version_is_answered_as_plain_text(dsn: str, tmp_path: Path) -> None:
    async with observed(dsn, tmp_path) as service:
        for accept in ("application/openmetrics-text;version=one", "text/plain; version=1.x"):
            answer = await service.http.get("/metrics", headers={"accept": accept})
            assert answer.status_code == 200
            assert answer.headers["content-type"].startswith("text/plain; version=0.0.4")


async def test_every_metric_has_its_line_in_the_documentation(dsn: str, tmp_path: Path) -> None:
    sinks = file_sink(tmp_path / "events.jsonl")
    async with observed(dsn, tmp_path, sinks=sinks, more={"away": nowhere()}) as service:
        await until_moved(service)
        answer = await service.http.get("/metrics", headers={"accept": "application/openmetrics-text;version=1.0.0"})
    table = (ROOT / "docs" / "operations.md").read_text("utf-8").partition("## Metrics\n")[2].partition("\n## ")[0]
    rows: list[tuple[str, str]] = re.findall(r"^\| `(gatetrail_\w+)(?:\{(.*)\})?` \|", table, re.MULTILINE)
    told = {(name, frozenset(labels.split(", ") if labels else ())) for name, labels in rows}
    suffixes = {"counter": "_total", "info": "_info"}
    families = openmetrics(answer.text)
    assert {name for name, _ in told} >= {family.name + suffixes.get(family.type, "") for family in families}
    for family in families:
        labels = frozenset(name for sample in family.samples for name in sample.labels if name != "le")
        assert (family.name + suffixes.get(family.type, ""), labels) in told


def nowhere() -> MountedServer:
    """A server that is not ours, and cannot be started."""
    target = CommandTarget(("/nowhere/at/all",), lambda: Revealed({}))
    return MountedServer(Upstream("away", target, Limits(retry_initial_ms=10, retry_max_ms=10)))


async def test_each_new_try_of_a_server_that_is_not_ours_is_counted(dsn: str, tmp_path: Path) -> None:
    async with observed(dsn, tmp_path, more={"away": nowhere()}) as service, asyncio.timeout(20):
        assert (await service.values("gatetrail_up"))["upstream away",] == 0
        while (await service.values("gatetrail_upstream_restarts_total"))["away",] < 3:  # noqa: ASYNC110 -- the service tells of nothing
            await asyncio.sleep(0.05)


async def test_a_sink_is_told_by_how_far_it_is_and_how_it_does(dsn: str, tmp_path: Path) -> None:
    async with observed(dsn, tmp_path / "data", sinks=file_sink(tmp_path / "events.jsonl")) as service:
        await service.call("add", {"a": 1, "b": 2})
        await until_moved(service)
        assert await service.values("gatetrail_sink_lag_events") == {("copy",): 0}
        assert await service.values("gatetrail_sink_quarantined_events") == {("copy",): 0}
        assert await words_of(service) == {("healthy", "copy")}
        assert (await service.values("gatetrail_up"))["sink copy",] == 1
    named = file_sink(tmp_path / "events.jsonl") | file_sink(tmp_path / "other.jsonl", "new")
    async with observed(dsn, tmp_path / "data", driven=False, sinks=named) as service:
        await service.call("add", {"a": 1, "b": 2})
        lag = await service.values("gatetrail_sink_lag_events")
        assert [*lag] == [("copy",)]
        assert lag["copy",] >= 2
        assert await words_of(service) == {("unowned", "copy"), ("unowned", "new")}


async def words_of(service: Service) -> set[tuple[str, ...]]:
    return {labels for labels, value in (await service.values("gatetrail_sink_health")).items() if value}


async def test_what_waits_in_the_spool_is_told(dsn: str, tmp_path: Path) -> None:
    async with observed(dsn, tmp_path) as service:
        assert (await service.values("gatetrail_spool_events"))[()] == 0
        spool = service.gate.recording.spool
        for event in [entry.event() for entry in await service.gate.journal.read(0, 2)]:
            spool.keep(event)
        assert spool.waiting_count() == 2


async def test_streams_are_told_with_those_that_were_refused(dsn: str, tmp_path: Path) -> None:
    async with observed(dsn, tmp_path, stream={"user_limit": 1}) as service:
        headers = service.headers("ann")
        async with service.http.stream("GET", "/v1/events/stream", headers=headers) as stream:
            assert stream.status_code == 200
            assert (await service.http.get("/v1/events/stream", headers=headers)).status_code == 429
            assert (await service.values("gatetrail_stream_connections"))[()] == 1
            assert (await service.values("gatetrail_stream_refused_total"))[()] == 1


def test_a_duration_that_equals_a_bound_lies_below_it() -> None:
    durations = Durations((0.1, 1.0))
    for duration_s in (0.0, 0.1, 0.100001, 1.0, 7.0):
        durations.add(duration_s)
    assert durations.counts == [2, 2, 1]
    assert durations.total_s == pytest.approx(8.200001)
