"""The redaction of one process: its key, and the redactor of the policy in force."""

from __future__ import annotations

from gatetrail.errors import SettingsInvalid
from gatetrail.policy.redaction import RedactionPolicy
from gatetrail.redaction.marks import MIN_KEY_BYTES, Marks
from gatetrail.redaction.redactor import Redactor


class Redaction:
    """Gives the redactor of a policy; that of the policy in force is kept."""

    def __init__(self, key: bytes, sensitive_keys: frozenset[str], policy: RedactionPolicy | None = None) -> None:
        """`key` is for hashes: the same key, the same hashes. Raises SettingsInvalid for one of less than 32 bytes."""
        check_key(key)
        self._marks = Marks(key)
        self._sensitive_keys = sensitive_keys
        self.current = Redactor(policy or RedactionPolicy(), self._marks, sensitive_keys)
        """That of the policy in force, for what belongs to no call."""
        self._next = self.current

    def under(self, policy: RedactionPolicy) -> Redactor:
        """The redactor of a policy: the one in force, the one that was made last, or a new one."""
        for redactor in (self.current, self._next):
            if policy is redactor.policy:
                return redactor
        made = self._next = Redactor(policy, self._marks, self._sensitive_keys)
        return made  # not what another thread may have put there meanwhile

    def adopt(self, policy: RedactionPolicy) -> None:
        """From now on this policy is in force."""
        self.current = self.under(policy)


def check_key(key: bytes) -> None:
    """Raises SettingsInvalid for a key that can be guessed."""
    if len(key) < MIN_KEY_BYTES:
        raise SettingsInvalid(
            f"the redaction key (GATETRAIL_REDACTION_KEY) has {len(key)} bytes; expected at least "
            f"{MIN_KEY_BYTES} random ones"
        )
