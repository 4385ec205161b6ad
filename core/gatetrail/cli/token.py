"""`gatetrail token`: bearer tokens for callers."""

from __future__ import annotations

from typing import Annotated

import typer

from gatetrail.cli.options import Config, DataDir, Json, PolicyFile, policy_of, settings_of
from gatetrail.identity.tiers import Tier

EXAMPLES = """Examples:

\b
  gatetrail token mint --user ann --tier user --scope finance:read > ann.jwt
  gatetrail token mint --user nightly-agent --tier service --ttl 15m
  gatetrail token mint --user eve --tier user --role auditor > auditor.jwt
"""


def mint(  # noqa: PLR0913 -- one for each claim
    *,
    user: Annotated[str, typer.Option(metavar="ID", help="Who the token is for.")],
    tier: Annotated[Tier, typer.Option(help="How much the caller may do, from much to little.")],
    role: Annotated[list[str] | None, typer.Option(metavar="NAME", help="May be given several times.")] = None,
    department: Annotated[str | None, typer.Option(metavar="NAME", help="The caller's department.")] = None,
    scope: Annotated[
        list[str] | None, typer.Option(metavar="NAME", help="Such as finance:read. May be given several times.")
    ] = None,
    ttl: Annotated[str, typer.Option(metavar="TIME", help="How long it is valid: 15m, 1h, 2d.")] = "1h",
    session: Annotated[str | None, typer.Option(metavar="ID", help="The session that it belongs to.")] = None,
    client: Annotated[str | None, typer.Option(metavar="ID", help="The client that it is issued to.")] = None,
    as_json: Json = False,
    policy: PolicyFile = None,
    data_dir: DataDir = None,
    config: Config = None,
) -> None:
    """Sign a token with the service's secret, and print it alone. Needs no running service."""
    from gatetrail.cli.output import flush, put_json, put_text
    from gatetrail.clock import IdMaker, SystemClock
    from gatetrail.identity.bearer import mint as mint_token
    from gatetrail.runtime.folder import jwt_secret
    from gatetrail.times import duration_s

    ttl_s = duration_s(ttl, "--ttl")
    settings = settings_of(config, policy=policy, data_dir=data_dir)
    identity = policy_of(settings).document.identity
    clock = SystemClock()
    token = mint_token(
        identity,
        jwt_secret(settings),
        clock,
        IdMaker(clock),
        user=user,
        tier=tier,
        roles=role or (),
        department=department,
        scopes=scope or (),
        ttl_s=ttl_s,
        session_id=session,
        client_id=client,
    )
    if as_json:
        put_json({"token": token, "user_id": user, "tier": tier.value, "ttl_s": ttl_s})
    else:
        put_text(token)
    flush()
