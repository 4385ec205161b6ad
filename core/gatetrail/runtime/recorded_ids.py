"""Ids as the settings' redaction writes them, for those who search the record by them."""

from __future__ import annotations

from functools import cache

from gatetrail.errors import DataFolderUnusable
from gatetrail.events.asking import FormsOf
from gatetrail.events.model import SENSITIVE_KEYS
from gatetrail.events.search import Forms
from gatetrail.policy.load import load_policy
from gatetrail.redaction import Redaction, Redactor
from gatetrail.redaction.recorded import forms_of
from gatetrail.runtime.folder import redaction_key
from gatetrail.runtime.sample import sample_policy
from gatetrail.settings import ServiceSettings


def forms_by(settings: ServiceSettings) -> FormsOf:
    """What the settings' policy and key make of an id; they are read when the first id is asked for.

    Who has no data folder has no key of hashes, and finds ids as they are typed. Raises `PolicyInvalid` when asked.
    """

    @cache
    def redactor() -> Redactor | None:
        policy = load_policy(settings.policy) if settings.policy is not None else sample_policy()
        try:
            return Redaction(redaction_key(settings), SENSITIVE_KEYS, policy.document.redaction).current
        except DataFolderUnusable:
            return None

    def forms(key: str, value: str) -> Forms:
        known = redactor()
        return (value,) if known is None else forms_of(known, key, value)

    return forms
