"""Which tokens and users count no longer, or for less: kept in step with the database, and changed there."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager

from gatetrail.events.model import IdentityRestored, IdentityRestricted
from gatetrail.events.stamp import Stamp
from gatetrail.identity.restrictions import Restriction, RestrictionKind, Restrictions
from gatetrail.redaction import Redactor
from gatetrail.runtime.background import in_background
from gatetrail.runtime.database import open_database
from gatetrail.runtime.emergency import open_emergency
from gatetrail.runtime.recording import Recording
from gatetrail.settings import ServiceSettings
from gatetrail.words import Level
from gatetrail_sinks.postgres.connection import open_pool
from gatetrail_sinks.postgres.migrate import migrate
from gatetrail_sinks.postgres.restrictions import PostgresRestrictions


@asynccontextmanager
async def open_standing(recording: Recording) -> AsyncGenerator[Restrictions]:
    """What is in force, from the first moment on and after each change in any process, for as long as the block lasts.

    While the database is away what was known last stays. Raises `DatabaseUnavailable` when nothing is known yet.
    """
    store, restrictions = PostgresRestrictions(recording.dsn, recording.pool), Restrictions()
    restrictions.replace(await store.all())
    async with AsyncExitStack() as stack:
        in_background(stack, store.watch(restrictions.replace), "gatetrail restrictions")
        yield restrictions


async def restrict(settings: ServiceSettings, wanted: Restriction, life_s: float | None) -> Restriction:
    """Put a restriction in force in every process, and record it. Gives it as stored.

    Raises what `open_emergency` raises.
    """
    async with open_emergency(settings) as exporting:
        recording = exporting.recording
        stored = await PostgresRestrictions(recording.dsn, recording.pool).put(wanted, life_s)
        await recording.ledger.commit_or_spool(_restricted(stored, exporting.stamp, exporting.redaction.current))
    return stored


async def restore(
    settings: ServiceSettings, token_id: str | None, user_id: str | None, issuer: str | None, changed_by: str
) -> Sequence[Restriction]:
    """Take back all that is in force against a token or a user, and record it. Gives what was taken back.

    Raises what `open_emergency` raises.
    """
    async with open_emergency(settings) as exporting:
        recording, redactor = exporting.recording, exporting.redaction.current
        gone = await PostgresRestrictions(recording.dsn, recording.pool).take_back(token_id, user_id, issuer)
        for one in gone:
            await recording.ledger.commit_or_spool(_restored(one, changed_by, exporting.stamp, redactor))
    return gone


async def restrictions_in_force(settings: ServiceSettings) -> Sequence[Restriction]:
    """The newest first. Raises `DatabaseUnavailable`, `DataFolderUnusable` or `MigrationRefused`."""
    async with open_database(settings) as dsn:
        await migrate(dsn)
        async with open_pool(dsn, size=1) as pool:
            return await PostgresRestrictions(dsn, pool).all()


def _restricted(one: Restriction, stamp: Stamp, redactor: Redactor) -> IdentityRestricted:
    texts = _texts(one, one.changed_by, redactor)
    limited = f" to tier {one.tier}" if one.tier else ""
    message = f"{_words(one.kind, texts)}{limited} by {texts['changed_by']}"
    told = {**stamp(Level.WARNING, message), **texts, "tier_limit": one.tier.value if one.tier else None}
    return IdentityRestricted.model_validate({**told, "restriction": one.kind.value, "reason": one.reason})


def _restored(one: Restriction, changed_by: str, stamp: Stamp, redactor: Redactor) -> IdentityRestored:
    texts = _texts(one, changed_by, redactor)
    message = f"taken back by {texts['changed_by']}: {_words(one.kind, texts)}"
    return IdentityRestored.model_validate({**stamp(Level.NOTICE, message), **texts, "restriction": one.kind.value})


def _texts(one: Restriction, changed_by: str, redactor: Redactor) -> dict[str, str | None]:
    return redactor.texts(
        {"user_id": one.user_id, "token_id": one.token_id, "issuer": one.issuer, "changed_by": changed_by}
    )


def _words(kind: RestrictionKind, texts: dict[str, str | None]) -> str:
    match kind:
        case RestrictionKind.TOKEN_REVOKED:
            return f"token {texts['token_id']} revoked"
        case RestrictionKind.USER_REVOKED:
            return f"all tokens of {texts['user_id']} revoked"
        case RestrictionKind.TIER_LIMITED:
            return f"{texts['user_id']} limited"
