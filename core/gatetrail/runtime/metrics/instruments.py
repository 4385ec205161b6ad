"""The instruments of one process, as prometheus_client has them, and how tallies get into them.

With PROMETHEUS_MULTIPROC_DIR in the environment they live in files of that folder, one set for each worker process,
and whichever worker is asked adds up all of them: see `gatetrail.runtime.metrics.shared`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from gatetrail.hooks import HookOutcome
from gatetrail.policy.hooks import HookMoment
from gatetrail.runtime.metrics.tallies import ADMISSION_S, CALL_S, DECISION_S, Durations, Tallies
from gatetrail.words import GateName


@dataclass(frozen=True, slots=True)
class Now:
    """How this process is at one moment."""

    queue_depth: int
    pool_idle: int
    pool_used: int
    stream_connections: int
    stream_refused: int
    """Since the process started, as the next."""
    stream_dropped: int
    upstream_restarts: Mapping[str, int]
    """By server."""
    hook_runs: Mapping[tuple[HookMoment, HookOutcome], int]
    """Since the process started, as the next."""
    hook_s: Mapping[HookMoment, float]
    hook_waiting: int
    shadow_failures: int


class AddedHistogram(Histogram):
    """A histogram into which whole buckets are put, because observing one by one costs more than all gates may."""

    def add(self, counts: Sequence[int], total_s: float) -> None:
        """So many more in each bucket, not summed up, and so much more in total."""
        cells: Mapping[str, Any] = vars(self)
        for bucket, count in zip(cells["_buckets"], counts, strict=True):
            if count:
                bucket.inc(count)
        cells["_sum"].inc(total_s)


class Instruments:
    """Brought up to date by `fill`: before each answer, and now and then where other processes answer."""

    def __init__(self) -> None:
        self.registry = registry = CollectorRegistry()
        self.decisions = Counter(
            "gatetrail_decisions",
            "Decisions on calls, by the gate that denied.",
            ["decision", "gate"],
            registry=registry,
        )
        self.outcomes = Counter("gatetrail_outcomes", "How admitted calls ended.", ["status"], registry=registry)
        self.decision = AddedHistogram(
            "gatetrail_decision_seconds", "What the four gates took.", registry=registry, buckets=DECISION_S
        )
        self.admission = AddedHistogram(
            "gatetrail_admission_seconds",
            "What a call waited before its handler ran: gates, session and commit.",
            registry=registry,
            buckets=ADMISSION_S,
        )
        self.commit = AddedHistogram(
            "gatetrail_commit_seconds", "What a commit of the journal took.", registry=registry, buckets=ADMISSION_S
        )
        self.call = AddedHistogram(
            "gatetrail_call_seconds", "What handlers took.", ["status"], registry=registry, buckets=CALL_S
        )
        self.queue = self._gauge("gatetrail_journal_queue_depth", "Events that wait for their commit.")
        self.pool = Gauge(
            "gatetrail_pool_connections",
            "Connections for reads.",
            ["state"],
            registry=registry,
            multiprocess_mode="livesum",
        )
        self.streams = self._gauge("gatetrail_stream_connections", "Open event streams.")
        self.refused = Counter(
            "gatetrail_stream_refused", "Event streams that were refused for a limit.", registry=registry
        )
        self.dropped = Counter(
            "gatetrail_stream_dropped", "Events that slow readers of streams did not get.", registry=registry
        )
        self.restarts = Counter(
            "gatetrail_upstream_restarts",
            "Tries to start, or to connect to, a server that is not ours, without the first.",
            ["server"],
            registry=registry,
        )
        self.hook_runs = Counter(
            "gatetrail_hook_runs",
            "Runs of the policy's hooks, by moment and by how they ended.",
            ["hook_event", "outcome"],
            registry=registry,
        )
        for outcome in HookOutcome:  # the others come with their first run
            self.hook_runs.labels(HookMoment.PRE_TOOL_USE.value, outcome.value)
        self.hook_s = Counter("gatetrail_hook_run_seconds", "What these runs took.", ["hook_event"], registry=registry)
        self.hook_s.labels(HookMoment.PRE_TOOL_USE.value)
        self.hook_waiting = self._gauge("gatetrail_hook_queue_depth", "Runs of hooks that wait for their turn.")
        self.rate_calls = Counter(
            "gatetrail_rate_store_calls",
            "Calls for which the shared store of the rates was to be asked, by how that went.",
            ["outcome"],
            registry=registry,
        )
        self.rate_asked = AddedHistogram(
            "gatetrail_rate_store_seconds",
            "What a call waited for the shared store of the rates.",
            registry=registry,
            buckets=ADMISSION_S,
        )
        self.shadow_failures = Counter(
            "gatetrail_shadow_failures",
            "Calls for which it could not be told what is only tried would have said.",
            registry=registry,
        )
        self._filled: dict[int, Filled] = {}
        self._seen: dict[Counter, float] = {}

    def fill(self, tallies: Tallies, now: Now) -> None:
        """Bring all up to date with what was counted since the last time."""
        self._raise(self.decisions.labels("allow", GateName.NONE.value), tallies.allowed)
        for gate, count in tallies.denied.items():
            self._raise(self.decisions.labels("deny", gate.value), count)
        for status, durations in tallies.calls.items():
            self._raise(self.outcomes.labels(status.value), sum(durations.counts))
            self._put(self.call.labels(status.value), durations)
        self._put(self.decision, tallies.decision)
        self._put(self.admission, tallies.admission)
        self._put(self.commit, tallies.commit)
        for outcome, count in tallies.rates.outcomes.items():
            self._raise(self.rate_calls.labels(outcome), count)
        self._put(self.rate_asked, tallies.rates.asked)
        self._raise(self.refused, now.stream_refused)
        self._raise(self.dropped, now.stream_dropped)
        for server, count in now.upstream_restarts.items():
            self._raise(self.restarts.labels(server), count)
        for (moment, outcome), count in now.hook_runs.items():
            self._raise(self.hook_runs.labels(moment.value, outcome.value), count)
        for moment, run_s in now.hook_s.items():
            self._raise(self.hook_s.labels(moment.value), run_s)
        self.hook_waiting.set(now.hook_waiting)
        self._raise(self.shadow_failures, now.shadow_failures)
        self.queue.set(now.queue_depth)
        self.pool.labels("idle").set(now.pool_idle)
        self.pool.labels("used").set(now.pool_used)
        self.streams.set(now.stream_connections)

    def _gauge(self, name: str, about: str) -> Gauge:
        return Gauge(name, about, registry=self.registry, multiprocess_mode="livesum")

    def _raise(self, counter: Counter, count: float) -> None:
        counter.inc(count - self._seen.get(counter, 0))
        self._seen[counter] = count

    def _put(self, histogram: AddedHistogram, durations: Durations) -> None:
        before = self._filled.get(id(durations), Filled((0,) * len(durations.counts), 0.0))
        counts = tuple(durations.counts)
        more = [new - old for new, old in zip(counts, before.counts, strict=True)]
        histogram.add(more, durations.total_s - before.total_s)
        self._filled[id(durations)] = Filled(counts, durations.total_s)


@dataclass(frozen=True, slots=True)
class Filled:
    """What an instrument has of one tally already."""

    counts: tuple[int, ...]
    total_s: float
