"""All verdicts, and a table of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

from siem.golden import corpus, golden
from siem.proof.engine import Engine
from siem.proof.mutations import planted, rules
from siem.proof.mutations.explained import explained
from siem.proof.mutations.mutant import Verdict
from siem.rule import Rule


def judged(rule: Rule, engines: Sequence[Engine]) -> Sequence[Verdict]:
    """Of all changes of the rule and of its planted events. The engines hold the unchanged record first."""
    for engine in engines:
        if engine.covers(rule):
            engine.found(rule, corpus())
    found = golden()[rule.name]
    return [*planted.verdicts(rule, engines, corpus(), found), *rules.verdicts(rule, engines, corpus(), found)]


def unexplained(verdicts: Iterable[Verdict]) -> Sequence[Verdict]:
    """Those that survived without a reason."""
    return [one for one in verdicts if one.survived and explained(one.rule, one.what) is None]


def table(verdicts: Mapping[str, Sequence[Verdict]]) -> str:
    """A line for each rule, and one for all: mutants, killed, explained, left, and how many each engine killed."""
    lines = ["rule                            mutants  killed  explained  left  by engine"]
    everything = [verdict for found in verdicts.values() for verdict in found]
    for name, found in (*verdicts.items(), ("all", everything)):
        left = len(unexplained(found))
        survived = sum(one.survived for one in found)
        by_engine = Counter(engine for one in found for engine in one.killed_by)
        engines = ", ".join(f"{engine} {count}" for engine, count in sorted(by_engine.items()))
        numbers = f"{len(found):>7} {len(found) - survived:>7} {survived - left:>10} {left:>5}"
        lines.append(f"{name:<31} {numbers}  {engines}")
    return "\n".join(lines)
