"""All benchmarks in turn, and what became of the budgets.

    python -m bench [--json] [--quick]

`--quick` only shows that everything works: its figures mean nothing.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import orjson

ROOT = Path(__file__).parents[1]
LIMIT_S = 1_800


@dataclass(frozen=True, slots=True)
class Budget:
    """One promise and what was measured. `bound` is an upper one unless `at_least`."""

    what: str
    measured: float
    bound: float
    at_least: bool = False

    @property
    def met(self) -> bool:
        return self.measured >= self.bound if self.at_least else self.measured <= self.bound


def figures_of(module: str, *flags: str) -> Any:
    """What a benchmark gives, run in a process of its own."""
    print(f"{module} …", file=sys.stderr, flush=True)
    command = [sys.executable, "-m", module, "--json", *flags]
    answer = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, check=True, timeout=LIMIT_S)
    return orjson.loads(answer.stdout)


def of_gates(gates: Any) -> Iterator[Budget]:
    yield Budget("four gates and the decision, p50 µs", gates["p50_us"]["allow, 10 entries"], 20)
    yield Budget("four gates and the decision, p99 µs", gates["p99_us"]["allow, 10 entries"], 60)
    yield Budget("10,000 blocklist entries against 10, p50", gates["ratio_10000_to_10_entries"], 1.2)


def of_journal(journal: Any) -> Iterator[Budget]:
    yield Budget("durable decision, one caller, against one plain commit", journal["alone_against_plain_commit"], 1.5)
    yield Budget(
        "256 in flight, against the hand-written gate", journal["together_against_hand_written"], 4, at_least=True
    )
    yield Budget("256 in flight, against bare COPY", journal["together_against_bare_copy"], 0.4, at_least=True)


def of_mcp_calls(loads: Any) -> Iterator[Budget]:
    saturated, alone, sdk = (loads[load]["gated_file"] for load in ("raw32", "one", "sdk32"))
    yield Budget("MCP calls/s at saturation, against no gate", saturated["of_plain"], 0.75, at_least=True)
    yield Budget("the same by the server's CPU time", saturated["of_plain_by_cpu"], 0.75, at_least=True)
    yield Budget("MCP calls/s of 32 SDK clients, against no gate", sdk["of_plain"], 0.9, at_least=True)
    yield Budget("added latency, one caller, p50 ms", alone["added_p50_ms"], 1.2)


def of_export(export: Any) -> Iterator[Budget]:
    for name, events_per_s in (("file", 30_000), ("fluentd", 10_000), ("relp", 30_000), ("tcp", 30_000)):
        yield Budget(f"journal to {name}, events/s", export[name]["events_per_s"], events_per_s, at_least=True)


def of_isolation(isolation: Any) -> Iterator[Budget]:
    p99_ms = [isolation[state]["decision_p99_ms"] for state in ("hung", "flowing")]
    yield Budget("decision p99 beside a hung sink, against none", p99_ms[0] / p99_ms[1], 1.2)


def of_audit_queries(audit: Any) -> Iterator[Budget]:
    yield Budget(f"slowest view question at {audit['rows']:,} rows, p95 ms", audit["slowest_p95_ms"], 50)


def of_stream(stream: Any) -> Iterator[Budget]:
    yield Budget("idle stream subscriber, kB", stream["idle"]["kb_per_idle_subscriber"], 30)


def of_policy_reload(reload: Any) -> Iterator[Budget]:
    for size in reload.values():
        what = f"policy file to enforcement in all processes ({size['workers']}), p99 ms"
        yield Budget(what, size["enforced"]["p99_ms"], 1_000)


def of_revocation(revocation: Any) -> Iterator[Budget]:
    what = f"revocation to refusal in all processes ({revocation['workers']}), slowest ms"
    yield Budget(what, revocation["refused"]["slowest_ms"], 1_000)


def of_rate_store(store: Any) -> Iterator[Budget]:
    costs = store["us_per_taking"]
    for name, bare in (("postgres", "bare upsert"), ("valkey", "bare EVALSHA")):
        yield Budget(
            f"shared bucket, {name}, 256 in flight, against one {bare}", costs[name]["256"] / costs[bare]["1"], 0.5
        )


def of_rate_share(share: Any) -> Iterator[Budget]:
    yield Budget("rates of 8 callers over 8 processes, worst off by, %", 100 * share["worst_off_by"], 2)


def summary(budgets: list[Budget]) -> str:
    """For people."""
    lines = [f"{'':58}{'measured':>10}{'budget':>12}"]
    for one in budgets:
        bound = f"{'≥' if one.at_least else '≤'} {one.bound:g}"
        lines.append(f"{one.what:58}{one.measured:10.2f}{bound:>12}  {'met' if one.met else 'NOT MET'}")
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--quick", action="store_true", help="only to see that it works")
    options = parser.parse_args()
    quick = ("--quick",) if options.quick else ()
    gates = figures_of("bench.gates", *quick)
    journal = figures_of("bench.journal", *quick)
    loads = figures_of("bench.mcp_calls", "--sdk", *quick)
    export = figures_of("bench.export", *quick)
    isolation = figures_of("bench.isolation", *quick)
    audit = figures_of("bench.audit_queries", *quick)
    stream = figures_of("bench.stream", *quick)
    reload = figures_of("bench.policy_reload", *quick)
    revocation = figures_of("bench.revocation", *quick)
    rate_store = figures_of("bench.rate_store", *quick)
    # Ten seconds say too little, and the tests have them already.
    rate_share = None if options.quick else figures_of("bench.rate_share")
    budgets = [
        *of_gates(gates),
        *of_journal(journal),
        *of_mcp_calls(loads),
        *of_export(export),
        *of_isolation(isolation),
        *of_stream(stream),
        *of_policy_reload(reload),
        *of_revocation(revocation),
        *of_audit_queries(audit),
        *of_rate_store(rate_store),
        *(of_rate_share(rate_share) if rate_share else ()),
    ]
    if options.json:
        told = [{**asdict(one), "met": one.met} for one in budgets]
        parts = {"gates": gates, "journal": journal, "mcp_calls": loads, "export": export, "isolation": isolation}
        parts |= {"audit_queries": audit, "stream": stream, "policy_reload": reload, "rate_store": rate_store}
        result = {"budgets": told, **parts, "revocation": revocation}
        print(orjson.dumps(result, option=orjson.OPT_INDENT_2).decode())
        return
    print(summary(budgets))


if __name__ == "__main__":
    main()
