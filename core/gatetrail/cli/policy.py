"""`gatetrail policy`: the security team's file, before and while it is in force."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from gatetrail.cli.door import NO, within
from gatetrail.cli.events import Since
from gatetrail.cli.options import Config, DataDir, Dsn, Json, PolicyFile, database_of, policy_of, settings_of
from gatetrail.errors import PolicyInvalid, WrongUse

if TYPE_CHECKING:
    from gatetrail.policy.model import Policy
    from gatetrail.policy.permits import Permits
    from gatetrail.settings import ServiceSettings

EXAMPLES = """Examples:

\b
  gatetrail policy check policy.yaml
  gatetrail policy show
"""
CHECK_EXAMPLES = """Examples:

\b
  gatetrail policy check policy.yaml
  gatetrail policy check policy.yaml --json
  gatetrail policy check policy.yaml --config service.yaml
  gatetrail policy check policy.yaml --usage --since 90d
"""
SHOW_EXAMPLES = """Examples:

\b
  gatetrail policy show
  gatetrail policy show --policy policy.yaml --json
"""

HASH_EXAMPLES = """Examples:

\b
  printf %s DE02120300000000202051 | gatetrail policy hash
  gatetrail policy hash < values.txt
"""

Usage = Annotated[
    bool,
    typer.Option("--usage", help="Tell which entries of the blocklist have matched, in the last 30 days if unsaid."),
]
File = Annotated[Path, typer.Argument(metavar="FILE", help="The policy file.")]


def check(
    file: File,
    *,
    as_json: Json = False,
    usage: Usage = False,
    since: Since = None,
    dsn: Dsn = None,
    data_dir: DataDir = None,
    config: Config = None,
) -> None:
    """Check a policy file. Exit 0: it can be used; 1: not, and every problem is told with its line.

    With a service file, what hooks want and that file does not allow is a problem too. With --usage, the record is
    asked for each entry of the blocklist: how often it has matched, when last, and which have expired or cannot match.
    """
    from gatetrail.policy.load import load_policy

    _check_is_there(file)
    try:
        policy = load_policy(file, None if config is None else _permits(config))
    except PolicyInvalid as problem:
        _put_problems(problem, as_json=as_json)
        raise typer.Exit(NO) from None
    _put_summary(policy, as_json=as_json)
    _say_warnings(policy)
    if config is None:
        _say_wishes(policy)
    if usage:
        _put_usage(policy, database_of(config, dsn=dsn, data_dir=data_dir), since, as_json=as_json)
    elif since is not None:
        raise WrongUse("--since is for --usage")


def show(policy: PolicyFile = None, as_json: Json = False, config: Config = None) -> None:
    """Show the policy that `serve` would use, with every default written out."""
    from gatetrail.cli.output import flush, put_json, put_text

    chosen = policy_of(settings_of(config, policy=policy))
    document = chosen.document.model_dump(mode="json")
    if as_json:
        put_json({"policy_version": chosen.version, "source": chosen.source, "document": document})
    else:
        put_text(f"# version {chosen.version}, from {chosen.source}\n{_yaml(document)}".rstrip())
    flush()


def hash_values(as_json: Json = False, config: Config = None) -> None:
    """Tell what redaction writes for values that it hashes: one value a line from stdin, one hash a line to stdout.

    By these a value can be searched for in the record. Values do not belong on a command line.
    """
    from gatetrail.cli.output import flush, put_json, put_text
    from gatetrail.redaction.marks import Marks
    from gatetrail.redaction.redaction import check_key
    from gatetrail.runtime.folder import redaction_key

    key = redaction_key(settings_of(config))
    check_key(key)
    marks = Marks(key)
    for line in sys.stdin.buffer:
        hashed = marks.hashed(line.decode("utf-8", "replace").removesuffix("\n"))
        put_json({"hash": hashed}) if as_json else put_text(hashed)
    flush()


def _check_is_there(file: Path) -> None:
    try:
        file.open("rb").close()
    except OSError as problem:
        raise WrongUse(f"{file}: cannot be read: {problem.strerror or problem}") from None


def _put_problems(problem: PolicyInvalid, *, as_json: bool) -> None:
    from gatetrail.cli.output import flush, put_json, put_text
    from gatetrail.cli.terminal import printable

    for one in problem.problems:
        if as_json:
            put_json({"ok": False, "file": problem.file, "line": one.line, "path": one.path, "message": one.message})
        else:
            put_text(printable(one.text(problem.file)))
    flush()


def _say_warnings(policy: Policy) -> None:
    from gatetrail.cli.talk import warn
    from gatetrail.policy.check_identity import identity_warnings
    from gatetrail.policy.check_redaction import redaction_warnings
    from gatetrail.policy.source import text_of

    document = policy.document
    for place, message in (*identity_warnings(document.identity), *redaction_warnings(document.redaction)):
        warn(f"{policy.source}: {text_of(place)}: {message}")


def _put_usage(policy: Policy, settings: ServiceSettings, since: str | None, *, as_json: bool) -> None:
    from gatetrail.cli.output import flush, put_json, put_text
    from gatetrail.cli.terminal import printable
    from gatetrail.cli.usage import DEFAULT_SINCE, usage_line, usage_of
    from gatetrail.clock import SystemClock
    from gatetrail.times import moment

    from_when = moment(since or DEFAULT_SINCE, "--since", SystemClock().now_us()) or ""
    for told in within(usage_of(policy, settings, from_when)):
        put_json(told) if as_json else put_text(printable(usage_line(told)))
    flush()


def _permits(config: Path) -> Permits:
    from gatetrail.runtime.hooks import permits_of

    return permits_of(settings_of(config).hooks)


def _say_wishes(policy: Policy) -> None:
    """What only a service file can tell."""
    from gatetrail.cli.talk import warn
    from gatetrail.policy.permits import NOTHING, permit_complaints
    from gatetrail.policy.source import text_of

    for place, _ in permit_complaints(policy.document.model_dump(mode="json"), NOTHING):
        warn(f"{policy.source}: {text_of(place)}: is refused where service.yaml does not allow it; see --config")


def _put_summary(policy: Policy, *, as_json: bool) -> None:
    from gatetrail.cli.output import flush, put_json, put_sentence

    counts = _counts_of(policy)
    if as_json:
        put_json({"ok": True, "file": policy.source, "policy_version": policy.version, **counts})
    else:
        counted = ", ".join(f"{number} {what.replace('_', ' ')}" for what, number in counts.items())
        put_sentence(f"{policy.source}: ok, version {policy.version}: {counted}")
    flush()


def _counts_of(policy: Policy) -> dict[str, int]:
    servers = policy.document.servers.values()
    return {
        "servers": len(servers),
        "tools": sum(len(server.tools) for server in servers),
        "resources": sum(len(server.resources) for server in servers),
        "prompts": sum(len(server.prompts) for server in servers),
        "blocklist_entries": len(policy.document.blocklist),
    }


def _yaml(document: dict[str, Any]) -> str:
    import yaml

    return yaml.safe_dump(document, sort_keys=False, allow_unicode=True)
