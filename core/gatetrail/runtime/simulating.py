"""A policy against the record of a database."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable

from gatetrail.events.asking import FormsOf
from gatetrail.events.journal import Entry
from gatetrail.events.search import EventFilter
from gatetrail.policy.model import Policy
from gatetrail.runtime.records import Records
from gatetrail.simulation.findings import Findings
from gatetrail.simulation.naming import as_recorded
from gatetrail.simulation.recorded import recorded
from gatetrail.simulation.simulator import Simulator

PAGE = 2_000
DECIDED = "tool_call.decided"


async def simulate(
    policy: Policy,
    records: Records,
    span: EventFilter,
    counts: Callable[[Entry], bool],
    forms_of: FormsOf,
    limit: int = 0,
) -> Findings:
    """What the policy would have made of the decisions of a span; of those that count the first so many, 0 for all.

    Decisions that do not count are decided as well, because rates and bursts depend on them. Raises
    `DatabaseUnavailable`.
    """
    simulator, findings = Simulator(as_recorded(policy, forms_of)), Findings()
    async for entry in _decisions(records, span):
        try:
            one = recorded(entry.line)
            outcome = simulator.outcome(one)
        except ValueError:
            findings.unreadable_count += 1
            continue
        if counts(entry):
            findings.add(one, outcome)
            if findings.count == limit:
                break
    return findings


async def _decisions(records: Records, span: EventFilter) -> AsyncGenerator[Entry]:
    wanted = EventFilter(since=span.since, until=span.until, event=DECIDED)
    position = await records.moments.before(span.since) if span.since is not None else 0
    head_seq = await records.head.seq()
    while entries := await records.search.after(wanted, position, PAGE, head_seq + 1):
        for entry in entries:
            yield entry
        position = entries[-1].seq
