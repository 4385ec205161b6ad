"""`gatetrail token revoke` and its kin: what no longer counts of the tokens that are out there."""

from __future__ import annotations

import getpass
from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Any

import typer

from gatetrail.cli.door import NO, within
from gatetrail.cli.options import Config, DataDir, Dsn, Json, PolicyFile, database_of, policy_of
from gatetrail.cli.talk import say, warn
from gatetrail.cli.terminal import printable
from gatetrail.errors import PolicyInvalid, WrongUse
from gatetrail.identity.tiers import Tier

if TYPE_CHECKING:
    from gatetrail.identity.restrictions import Restriction, RestrictionKind
    from gatetrail.policy.model import Policy
    from gatetrail.settings import ServiceSettings

REVOKE_EXAMPLES = """Examples:

\b
  gatetrail token revoke --jti 019a3c1e-6f0b-7cc2-b7d0-1d2a5b0c9e11
  gatetrail token revoke --user ann@example.com --reason "laptop lost"
"""
LIMIT_EXAMPLES = """Examples:

\b
  gatetrail token limit --user ann --tier user --reason "moved to sales"
"""
RESTORE_EXAMPLES = """Examples:

\b
  gatetrail token restore --user ann@example.com
"""
LIST_EXAMPLES = """Examples:

\b
  gatetrail token restrictions --json
"""

TokenId = Annotated[str | None, typer.Option("--jti", metavar="ID", help="The token with this claim jti.")]
_USER_HELP = "The user as in the record: with the issuer's user_prefix."
User = Annotated[str | None, typer.Option("--user", metavar="ID", help=_USER_HELP)]
Issuer = Annotated[
    str | None, typer.Option("--issuer", metavar="NAME", help="Only what this issuer has issued; without it, any.")
]
Reason = Annotated[str, typer.Option("--reason", metavar="TEXT", help="Why; it stands in the record.")]
By = Annotated[str | None, typer.Option("--by", metavar="NAME", help="Who does it; else the user of the system.")]

NO_REASON = "no reason was given"
MAX_CHARACTERS = {"--jti": 128, "--user": 128, "--issuer": 128, "--reason": 256, "--by": 128}
"""Of the first three, as many as a token's claim may have."""

_DAY_S = 86_400
LEAST_KEPT_S = 400 * _DAY_S
"""The service may go by another policy than the one that stands here, and that one may let tokens live longer."""


def revoke(  # noqa: PLR0913 -- one for each option
    *,
    jti: TokenId = None,
    user: User = None,
    issuer: Issuer = None,
    reason: Reason = NO_REASON,
    by: By = None,
    as_json: Json = False,
    policy: PolicyFile = None,
    dsn: Dsn = None,
    data_dir: DataDir = None,
    config: Config = None,
) -> None:
    """Revoke one token, or all tokens of a user that were issued until now.

    Every running process refuses them within a second. A user who signs in again gets a good token, after the few
    seconds by which an issuer's clock may be ahead; to keep somebody out, name him in the policy's blocklist.
    """
    from gatetrail.identity.restrictions import RestrictionKind

    _require_one(jti, user)
    settings = _settings(policy, dsn, data_dir, config)
    kind = RestrictionKind.USER_REVOKED if jti is None else RestrictionKind.TOKEN_REVOKED
    wanted = _restriction(kind, jti, user, issuer, None, reason, by)
    _restrict(settings, wanted, as_json=as_json)


def limit(  # noqa: PLR0913
    *,
    user: Annotated[str, typer.Option(metavar="ID", help=_USER_HELP)],
    tier: Annotated[Tier, typer.Option(help="The highest tier that the user has from now on.")],
    issuer: Issuer = None,
    reason: Reason = NO_REASON,
    by: By = None,
    as_json: Json = False,
    policy: PolicyFile = None,
    dsn: Dsn = None,
    data_dir: DataDir = None,
    config: Config = None,
) -> None:
    """Limit a user to a tier, whatever his tokens and sessions say.

    In force within a second in every running process, until it is taken back with gatetrail token restore.
    """
    from gatetrail.identity.restrictions import RestrictionKind

    settings = _settings(policy, dsn, data_dir, config)
    wanted = _restriction(RestrictionKind.TIER_LIMITED, None, user, issuer, tier, reason, by)
    _restrict(settings, wanted, as_json=as_json)


def restore(  # noqa: PLR0913
    *,
    jti: TokenId = None,
    user: User = None,
    issuer: Issuer = None,
    by: By = None,
    as_json: Json = False,
    policy: PolicyFile = None,
    dsn: Dsn = None,
    data_dir: DataDir = None,
    config: Config = None,
) -> None:
    """Take back what is in force against a token or a user: revocations and limits. Exit 1: there was nothing."""
    from gatetrail.runtime import standing

    _require_one(jti, user)
    settings = _settings(policy, dsn, data_dir, config)
    _usable_policy(settings)
    gone = within(standing.restore(settings, jti, user, issuer, by or getpass.getuser()))
    _put(gone, as_json=as_json)
    if not gone:
        say("There is nothing against it.")
        raise typer.Exit(NO)


def restrictions(as_json: Json = False, dsn: Dsn = None, data_dir: DataDir = None, config: Config = None) -> None:
    """Show what is in force against tokens and users, the newest first."""
    from gatetrail.runtime import standing

    found = within(standing.restrictions_in_force(database_of(config, dsn=dsn, data_dir=data_dir)))
    _put(found, as_json=as_json)
    if not found:
        say("There is nothing against anybody.")


def _settings(policy: Any, dsn: str | None, data_dir: Any, config: Any) -> ServiceSettings:
    settings = database_of(config, dsn=dsn, data_dir=data_dir)
    return settings if policy is None else settings.model_copy(update={"policy": policy})


def _require_one(jti: str | None, user: str | None) -> None:
    if (jti is None) == (user is None):
        raise WrongUse("say either which token, with --jti, or whose, with --user")


def _restriction(
    kind: RestrictionKind,
    jti: str | None,
    user: str | None,
    issuer: str | None,
    tier: Tier | None,
    reason: str,
    by: str | None,
) -> Restriction:
    from gatetrail.identity.restrictions import Restriction
    from gatetrail.identity.token_text import text_or_none

    given = {"--jti": jti, "--user": user, "--issuer": issuer, "--reason": reason, "--by": by}
    for name, text in given.items():
        if text is not None and (text_or_none(text) is None or len(text) > MAX_CHARACTERS[name]):
            raise WrongUse(f"{name}: expected 1 to {MAX_CHARACTERS[name]} characters")
    return Restriction(kind, jti, user, issuer, tier, reason, by or getpass.getuser(), 0.0)


def _restrict(settings: ServiceSettings, wanted: Restriction, *, as_json: bool) -> None:
    from gatetrail.runtime import standing

    stored = within(standing.restrict(settings, wanted, _kept_s(_usable_policy(settings))))
    _put([stored], as_json=as_json)


def _usable_policy(settings: ServiceSettings) -> Policy | None:
    """The policy, or a warning: a file that is broken must not keep anybody from being shut out."""
    try:
        return policy_of(settings)
    except PolicyInvalid as problem:
        first, *_ = str(problem).splitlines()
        warn(f"{first}: the policy cannot be used, so it is done without: ids are hashed in the record")
        return None


def _kept_s(policy: Policy | None) -> float | None:
    """At least as long as a token that it is about can live; None, for ever, when nobody can tell."""
    if policy is None:
        return None
    identity = policy.document.identity
    longest_s = max(identity.max_lifetime_s, *(one.max_lifetime_s for one in identity.issuers), 0)
    return max(longest_s + _DAY_S, LEAST_KEPT_S)


def _put(found: Sequence[Restriction], *, as_json: bool) -> None:
    from gatetrail.cli.output import flush, put_json, put_text
    from gatetrail.clock import rfc3339

    for one in found:
        since = rfc3339(round(one.since_s * 1_000_000))
        if as_json:
            put_json(
                {
                    "restriction": one.kind.value,
                    "token_id": one.token_id,
                    "user_id": one.user_id,
                    "issuer": one.issuer,
                    "tier_limit": one.tier.value if one.tier else None,
                    "reason": one.reason,
                    "changed_by": one.changed_by,
                    "since": since,
                }
            )
        else:
            whom = f"user {one.user_id}" if one.token_id is None else f"token {one.token_id}"
            of = f" of {one.issuer}" if one.issuer else ""
            tier = f" to {one.tier}" if one.tier else ""
            put_text(printable(f"{since}  {one.kind}{tier}  {whom}{of}  by {one.changed_by}: {one.reason}"))
    flush()
