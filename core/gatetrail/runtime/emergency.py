"""What must be possible while the policy file is broken: to shut somebody out, and to record it."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

import psycopg

from gatetrail.errors import DatabaseUnavailable, PolicyInvalid
from gatetrail.events.model import SENSITIVE_KEYS
from gatetrail.policy.load import load_policy
from gatetrail.policy.redaction import ClassActions, RedactionPolicy
from gatetrail.redaction import Redaction
from gatetrail.runtime.exporting import Exporting, open_exporting
from gatetrail.runtime.folder import redaction_key
from gatetrail.runtime.sample import sample_policy
from gatetrail.settings import ServiceSettings
from gatetrail.words import Action
from gatetrail_sinks.postgres.connection import where

CAUTIOUS = RedactionPolicy(classes=ClassActions(sensitive=Action.HASH))
"""Where nobody can tell what the policy would hide. Who has the key still finds everybody by their hash."""


@asynccontextmanager
async def open_emergency(settings: ServiceSettings) -> AsyncGenerator[Exporting]:
    """The record, without sinks, whatever is wrong with the policy.

    Raises `DatabaseUnavailable`, also for a role that may only read, `DataFolderUnusable` or `MigrationRefused`.
    """
    redaction = Redaction(redaction_key(settings), SENSITIVE_KEYS, _redaction(settings))
    try:
        async with open_exporting(settings.model_copy(update={"sinks": {}}), redaction=redaction) as exporting:
            yield exporting
    except (psycopg.errors.InsufficientPrivilege, psycopg.errors.ReadOnlySqlTransaction) as problem:
        place = where(settings.dsn.get_secret_value()) if settings.dsn else "the embedded server"
        sentence = f"PostgreSQL at {place} does not let this role change anything: {problem.diag.message_primary}"
        raise DatabaseUnavailable(sentence) from None


def _redaction(settings: ServiceSettings) -> RedactionPolicy:
    try:
        policy = load_policy(settings.policy) if settings.policy is not None else sample_policy()
    except PolicyInvalid:
        return CAUTIOUS
    return policy.document.redaction
