"""One look as metric families. Nothing in them names a user, a session or an argument."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from importlib.metadata import version

from prometheus_client.core import GaugeMetricFamily, InfoMetricFamily, Metric
from prometheus_client.registry import Collector

from gatetrail.delivery.sink import CursorState
from gatetrail.delivery.sink_health import SinkHealth, health_of
from gatetrail.runtime.metrics.snapshot import Snapshot


@dataclass(frozen=True, slots=True)
class SnapshotFamilies(Collector):
    """What is shared by all processes on the database is told by whichever is asked, once."""

    snapshot: Snapshot
    policies: Mapping[str, int]
    """How many processes of this service decide under which version."""
    sink_names: Collection[str]
    """Of the settings: one that never ran has no row in the database."""

    def collect(self) -> Iterator[Metric]:
        yield InfoMetricFamily("gatetrail_build", "The version that answers.", {"version": version("gatetrail")})
        yield from self._policies()
        ready = self.snapshot.ready
        yield _gauge("gatetrail_ready", "1 when calls can be decided and recorded, as /readyz says.", ready)
        up = GaugeMetricFamily("gatetrail_up", "1 for each part that is as it should be.", labels=["part"])
        for part, is_up in self.snapshot.up.items():
            up.add_metric([part], float(is_up))
        yield up
        if self.snapshot.head_seq is not None:
            yield _gauge("gatetrail_journal_head_seq", "Position of the newest event.", self.snapshot.head_seq)
        if self.snapshot.spool_count is not None:
            yield _gauge("gatetrail_spool_events", "Events that wait in local files.", self.snapshot.spool_count)
        if self.snapshot.sinks is not None:
            yield from self._sinks({state.sink_name: state for state in self.snapshot.sinks})

    def _policies(self) -> Iterator[Metric]:
        info = InfoMetricFamily("gatetrail_policy", "The policy in force.", labels=["version"])
        processes = GaugeMetricFamily(
            "gatetrail_policy_processes", "Processes that decide under it.", labels=["version"]
        )
        for policy_version, count in sorted(self.policies.items()):
            info.add_metric([policy_version], {})
            processes.add_metric([policy_version], float(count))
        yield from (info, processes)

    def _sinks(self, states: dict[str, CursorState]) -> Iterator[Metric]:
        lag = GaugeMetricFamily("gatetrail_sink_lag_events", "Events that a sink has not got yet.", labels=["sink"])
        aside = GaugeMetricFamily(
            "gatetrail_sink_quarantined_events", "Events that a sink would not take.", labels=["sink"]
        )
        health = GaugeMetricFamily(
            "gatetrail_sink_health", "1 for the word that fits a sink.", labels=["sink", "health"]
        )
        for name in sorted({*states, *self.sink_names}):
            state = states.get(name)
            if state is not None:
                lag.add_metric([name], state.lag)
                aside.add_metric([name], state.quarantined_count)
            found = SinkHealth.UNOWNED if state is None else health_of(state)
            for word in SinkHealth:
                health.add_metric([name, word.value], float(word is found))
        yield from (lag, aside, health)


def _gauge(name: str, about: str, value: float) -> Metric:
    return GaugeMetricFamily(name, about, value=float(value))
