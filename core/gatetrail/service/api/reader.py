"""Who asks, and what may be seen by whom."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, cast

from fastapi import Depends
from starlette.requests import Request

from gatetrail.events.journal import Entry
from gatetrail.events.own import as_owner_sees
from gatetrail.events.search import Forms
from gatetrail.identity.caller import Authenticated
from gatetrail.identity.tiers import Tier
from gatetrail.redaction import Redactor
from gatetrail.redaction.recorded import own_forms_of

AUDITOR = "auditor"
"""The role (claim `roles`) that sees everything; the tier admin does, too."""

READER_KEY = "gatetrail.reader"


@dataclass(frozen=True, slots=True)
class Reader:
    """A proven user."""

    user_id: str
    own: Forms
    """The user's id in every form that it can have in the record."""
    tier: Tier
    roles: Sequence[str]
    accepted_until_s: float | None
    """Seconds since 1970 until when the proof is accepted."""

    @property
    def sees_all(self) -> bool:
        """Others see what they have done themselves."""
        return AUDITOR in self.roles or self.tier is Tier.ADMIN

    @property
    def owner(self) -> Forms | None:
        """Whose events this reader is held to; None for everybody's."""
        return None if self.sees_all else self.own

    def shown(self, entry: Entry) -> Entry:
        """An event that this reader may see, with as much of it as is for his eyes."""
        return entry if self.sees_all else as_owner_sees(entry)


def reader_of(caller: Authenticated, redactor: Redactor) -> Reader:
    """The reader that a caller is."""
    own = own_forms_of(redactor, caller.user_id)
    return Reader(caller.user_id, own, caller.tier, caller.roles, caller.accepted_until_s)


def _reader_in(request: Request) -> Reader:
    return cast("Reader", request.scope[READER_KEY])


Reading = Annotated[Reader, Depends(_reader_in)]
"""The reader that the door has let in, as a parameter of a route."""
