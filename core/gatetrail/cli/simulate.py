"""`gatetrail policy simulate`: what another policy would have made of what was decided."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from gatetrail.cli.door import NO, within
from gatetrail.cli.events import Decision, Gate, Server, Since, Tool, Until, User
from gatetrail.cli.options import Config, DataDir, Dsn, Json, database_of

if TYPE_CHECKING:
    from gatetrail.events.asking import FormsOf
    from gatetrail.events.search import EventFilter
    from gatetrail.policy.model import Policy
    from gatetrail.settings import ServiceSettings
    from gatetrail.simulation.findings import Findings

DEFAULT_SINCE = "1d"

EXAMPLES = """Examples:

\b
  gatetrail policy simulate --policy tried.yaml
  gatetrail policy simulate --policy tried.yaml --since 7d --user ann
  gatetrail policy simulate --policy tried.yaml --since 30d --json
"""

Tried = Annotated[Path, typer.Option("--policy", metavar="FILE", help="The policy file that is to be tried.")]
Limit = Annotated[
    int, typer.Option(min=0, metavar="N", help="Look at the first so many decisions of the span; 0, if unsaid, at all.")
]


def simulate(  # noqa: PLR0913 -- one for each filter
    *,
    policy: Tried,
    since: Since = DEFAULT_SINCE,
    until: Until = None,
    user: User = None,
    server: Server = None,
    tool: Tool = None,
    gate: Gate = None,
    decision: Decision = None,
    limit: Limit = 0,
    as_json: Json = False,
    dsn: Dsn = None,
    data_dir: DataDir = None,
    config: Config = None,
) -> None:
    """Tell what another policy would have made of the decisions in the record: newly denied, newly allowed, the same.

    Without --since: of the last day. Asks the database, not a service; nothing is changed. What the record does not
    tell is said as that and never guessed. Exit 0: nothing that can be told is newly denied or newly allowed;
    1: something is.
    """
    from gatetrail.clock import SystemClock
    from gatetrail.events.asking import filter_of
    from gatetrail.policy.load import load_policy
    from gatetrail.runtime.recorded_ids import forms_by

    settings = database_of(config, dsn=dsn, data_dir=data_dir)
    tried = load_policy(policy)
    forms_of = forms_by(settings)
    words = {
        "since": since,
        "until": until,
        "user": user,
        "server": server,
        "tool": tool,
        "gate": gate.value if gate else None,
        "decision": decision.value if decision else None,
    }
    wanted = filter_of(words, SystemClock().now_us(), called="--{}".format, forms_of=forms_of if user else _as_typed)
    findings = within(_findings(tried, settings, wanted, forms_of, limit))
    _put(findings, tried, as_json=as_json)
    if not findings.is_the_same:
        raise typer.Exit(NO)


def _as_typed(_key: str, value: str) -> tuple[str, ...]:
    return (value,)


async def _findings(
    tried: Policy, settings: ServiceSettings, wanted: EventFilter, forms_of: FormsOf, limit: int
) -> Findings:
    from gatetrail.events.matching import Matching
    from gatetrail.runtime.records import open_records
    from gatetrail.runtime.simulating import simulate as found

    async with open_records(settings) as records:
        return await found(tried, records, wanted, Matching().of(wanted), forms_of, limit)


def _put(findings: Findings, tried: Policy, *, as_json: bool) -> None:
    from gatetrail.cli.findings import json_lines, text_lines
    from gatetrail.cli.output import flush, put_json, put_text
    from gatetrail.cli.talk import warn

    if findings.unreadable_count:
        warn(f"{findings.unreadable_count} rows hold no decision that can be read; gatetrail verify tells more")
    if as_json:
        for keys in json_lines(findings, tried):
            put_json(keys)
    else:
        for line in text_lines(findings, tried):
            put_text(line)
    flush()
