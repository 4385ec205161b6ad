"""All commands of `gatetrail`. What they need is imported when they run, so that help comes at once."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from gatetrail.cli import (
    completion,
    demo,
    events,
    export,
    help,  # noqa: A004 -- a module of ours
    hook,
    migrate,
    policy,
    quarantine,
    replay,
    restrict,
    schema,
    serve,
    sessions,
    simulate,
    sinks,
    token,
    verify,
    why,
    worker,
)

HELP = """Four gates and a durable audit trail in front of every tool call of an AI agent.

stdout is data, stderr is talk. Exit codes: 0 fine, 1 the answer is no, 2 wrong use, 3 the service or the
database is away. Colour only on a terminal; NO_COLOR and FORCE_COLOR are heeded.

Every setting has a variable as well: GATETRAIL_DSN, GATETRAIL_POLICY, GATETRAIL_CONFIG, GATETRAIL_DATA_DIR,
GATETRAIL_JWT_SECRET, GATETRAIL_REDACTION_KEY, GATETRAIL_STATE_KEY. To ask a service instead of the database:
GATETRAIL_URL, with GATETRAIL_TOKEN or GATETRAIL_TOKEN_FILE."""

EXAMPLES = """Examples:

\b
  gatetrail demo                 watch it work
  gatetrail serve                the service, on 127.0.0.1:8080
  gatetrail events --since 1h    what was asked for, and what the gates said
  gatetrail why DECISION_ID      one decision, explained
"""

_ORDER = (
    *("demo", "serve", "export", "events", "why", "verify", "sessions", "sinks", "replay"),
    *("policy", "token", "hook", "migrate", "schema", "completion", "help"),
)


class InOrder(TyperGroup):
    """Commands as people come to need them, groups among them."""

    def list_commands(self, ctx: Any) -> list[str]:
        names = super().list_commands(ctx)
        return sorted(names, key=lambda name: _ORDER.index(name) if name in _ORDER else len(_ORDER))


_STYLE: dict[str, Any] = {
    "add_completion": False,
    "pretty_exceptions_enable": False,
    "rich_markup_mode": None,
    "context_settings": {"help_option_names": ["-h", "--help"], "max_content_width": 110},
}


def command() -> Any:
    """The whole command line, ready to run."""
    app = typer.Typer(name="gatetrail", help=HELP, epilog=EXAMPLES, cls=InOrder, **_STYLE)
    app.callback(invoke_without_command=True)(_top)
    _add(app, demo.demo, demo.EXAMPLES, "Show every gate on real traffic.")
    _add(app, serve.serve, serve.EXAMPLES, "Run the service.")
    app.command("worker", hidden=True, epilog=worker.EXAMPLES)(worker.worker)
    _add(app, export.export, export.EXAMPLES, "Drive the sinks in a process of their own.")
    _add(app, events.events, events.EXAMPLES, "Search the record, or follow it.")
    _add(app, why.why, why.EXAMPLES, "Explain one decision.")
    _add(app, verify.verify, verify.EXAMPLES, "Recompute the whole record.")
    _add(app, sessions.sessions, sessions.EXAMPLES, "Show sessions, or end one.")
    group = typer.Typer(name="sinks", **_STYLE)
    group.callback(invoke_without_command=True, epilog=sinks.EXAMPLES, short_help="Show how each output is.")(
        sinks.sinks
    )
    _add(group, quarantine.show, quarantine.SHOW_EXAMPLES, "List what sinks would not take.", name="quarantine")
    _add(group, quarantine.resend, quarantine.RESEND_EXAMPLES, "Bring events in quarantine once more.")
    _add(group, quarantine.cancel, quarantine.CANCEL_EXAMPLES, "End a replay before its time.")
    _add(group, sinks.forget, sinks.FORGET_EXAMPLES, "Forget a sink that is gone.")
    app.add_typer(group)
    _add(app, replay.replay, replay.EXAMPLES, "Bring a range of events to a sink once more.")
    group = _group(app, "policy", "Check, try and show the policy file.", policy.EXAMPLES)
    _add(group, policy.check, policy.CHECK_EXAMPLES, "Check a policy file.")
    _add(group, policy.show, policy.SHOW_EXAMPLES, "Show a policy with all its defaults.")
    _add(group, simulate.simulate, simulate.EXAMPLES, "Try a policy on recorded decisions.")
    _add(group, policy.hash_values, policy.HASH_EXAMPLES, "Hash values as redaction does.", name="hash")
    group = _group(app, "token", "Bearer tokens for callers.", token.EXAMPLES)
    _add(group, token.mint, token.EXAMPLES, "Print a new token.")
    _add(group, restrict.revoke, restrict.REVOKE_EXAMPLES, "Revoke a token, or all of a user.")
    _add(group, restrict.limit, restrict.LIMIT_EXAMPLES, "Limit a user to a tier.")
    _add(group, restrict.restore, restrict.RESTORE_EXAMPLES, "Take revocations and limits back.")
    _add(group, restrict.restrictions, restrict.LIST_EXAMPLES, "Show revocations and limits.")
    _add(app, hook.hook, hook.EXAMPLES, "Bring an agent's report to the service.")
    _add(app, migrate.migrate, migrate.EXAMPLES, "Bring the database up to date.")
    group = _group(app, "schema", "JSON Schemas of event, policy and settings.", schema.EXAMPLES)
    _add(group, schema.export, schema.EXPORT_EXAMPLES, "Write the JSON Schemas.")
    _add(group, schema.check, schema.CHECK_EXAMPLES, "Compare those that ship with the models.")
    _add(app, completion.completion, completion.EXAMPLES, "Print a completion script for a shell.")
    _add(app, help.show_help, help.EXAMPLES, "Tell how a command is used.", name="help")
    return typer.main.get_command(app)


def _add(app: typer.Typer, run: Callable[..., None], examples: str, about: str, *, name: str | None = None) -> None:
    app.command(name, epilog=examples, short_help=about)(run)


def _group(app: typer.Typer, name: str, about: str, examples: str) -> typer.Typer:
    group = typer.Typer(name=name, help=about, epilog=examples, **_STYLE)
    group.callback(invoke_without_command=True)(_bare)
    app.add_typer(group)
    return group


def _print_version(asked: bool) -> None:
    if asked:
        from importlib.metadata import version

        typer.echo(f"gatetrail {version('gatetrail')}")
        raise typer.Exit


def _top(
    context: typer.Context,
    version: Annotated[  # noqa: ARG001 -- its callback acts
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version and end.")
    ] = False,
) -> None:
    _bare(context)


def _bare(context: typer.Context) -> None:
    """Without a command, help is what was wanted."""
    if context.invoked_subcommand is None:
        typer.echo(context.get_help())
