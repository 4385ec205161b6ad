"""`gatetrail token`: bearer tokens for callers."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from gatetrail.cli.options import Config, DataDir, Json, PolicyFile, policy_of, settings_of
from gatetrail.errors import WrongUse
from gatetrail.identity.tiers import Tier

if TYPE_CHECKING:
    from gatetrail.identity.rules import TokenRules
    from gatetrail.identity.signing_key import SigningKey
    from gatetrail.policy.identity import IdentityPolicy, IssuerPolicy
    from gatetrail.settings import ServiceSettings

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
    key: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="A private key in PEM, in place of an issuer's own; for development."),
    ] = None,
    kid: Annotated[
        str | None, typer.Option(metavar="ID", help="What the key is called in the issuer's key set.")
    ] = None,
    issuer: Annotated[
        str | None, typer.Option(metavar="NAME", help="Whose key it is; needed where the policy has several issuers.")
    ] = None,
    as_json: Json = False,
    policy: PolicyFile = None,
    data_dir: DataDir = None,
    config: Config = None,
) -> None:
    """Sign a token with the service's secret, or a key, and print it alone. Needs no running service."""
    from gatetrail.cli.output import flush, put_json, put_text
    from gatetrail.clock import IdMaker, SystemClock
    from gatetrail.identity.bearer import mint as mint_token
    from gatetrail.times import duration_s

    ttl_s = duration_s(ttl, "--ttl")
    settings = settings_of(config, policy=policy, data_dir=data_dir)
    rules, signer = _signer(policy_of(settings).document.identity, settings, key, kid, issuer)
    clock = SystemClock()
    token = mint_token(
        rules,
        signer,
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


def _signer(
    identity: IdentityPolicy, settings: ServiceSettings, key: Path | None, kid: str | None, issuer: str | None
) -> tuple[TokenRules, bytes | SigningKey]:
    from gatetrail.identity.signing_key import SigningKey
    from gatetrail.runtime.folder import jwt_secret

    if key is not None:
        chosen = _issuer(identity, issuer)
        return chosen, SigningKey(_content(key), kid, chosen)
    if kid is not None or issuer is not None:
        raise WrongUse("--kid and --issuer are of use with --key only")
    if not identity.by_secret:
        names = ", ".join(repr(one.issuer) for one in identity.issuers) or "nobody"
        raise WrongUse(
            "the policy takes no token that is signed with the shared secret (identity.shared_secret); "
            f"it takes those of {names}"
        )
    return identity, jwt_secret(settings)


def _issuer(identity: IdentityPolicy, name: str | None) -> IssuerPolicy:
    found = [one for one in identity.issuers if name in {None, one.issuer}]
    if len(found) == 1:
        return found[0]
    names = ", ".join(repr(one.issuer) for one in identity.issuers) or "none"
    raise WrongUse(f"--key: whose key it is, is told by --issuer; identity.issuers of the policy has {names}")


def _content(file: Path) -> bytes:
    try:
        return file.read_bytes()
    except OSError as problem:
        raise WrongUse(f"--key: {file}: cannot be read: {problem.strerror or problem}") from None
