"""What may have happened to a caller since its proof was made."""

from __future__ import annotations

from typing import Protocol

from gatetrail.identity.caller import Authenticated, Refused


class Standing(Protocol):
    """Knows which proofs and users count no longer, or count for less.

    Asked on every use of a proof, also of one that was verified before; answers from memory, at once, and never raises.
    `token_id`, `user_id`, `issuer` and `issued_at_s` of the caller are what it goes by.
    """

    def admitted(self, caller: Authenticated) -> Authenticated | Refused:
        """The caller as he may come in: the very same, with a lower tier, or refused although the proof is good."""
        ...
