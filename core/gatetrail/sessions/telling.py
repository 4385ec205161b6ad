"""The events in a session's life."""

from __future__ import annotations

from gatetrail.events.model import SessionEnded, SessionResumed, SessionStarted
from gatetrail.events.stamp import Stamp
from gatetrail.redaction import Redactor
from gatetrail.sessions.session import Session
from gatetrail.words import Level

Texts = dict[str, str | None]


def started(session: Session, stamp: Stamp, redactor: Redactor) -> SessionStarted:
    """It was seen for the first time."""
    texts = _texts(session, redactor, department=session.department)
    told = stamp(Level.INFO, f"session opened by {_owner(texts)} with tier {session.tier}")
    return SessionStarted.model_validate({**told, **texts, "session_tier": session.tier.value})


def resumed(session: Session, stamp: Stamp, redactor: Redactor) -> SessionResumed:
    """This process goes on with what another, or its own earlier life, has opened."""
    texts = _texts(session, redactor)
    told = stamp(Level.INFO, f"session of {_owner(texts)} resumed with tier {session.tier}")
    return SessionResumed.model_validate({**told, **texts, "session_tier": session.tier.value})


def ended(session: Session, because: str, stamp: Stamp, redactor: Redactor) -> SessionEnded:
    """It is over for good."""
    texts = _texts(session, redactor, reason=because)
    return SessionEnded.model_validate({**stamp(Level.INFO, f"session of {_owner(texts)} ended"), **texts})


def _texts(session: Session, redactor: Redactor, **more: str | None) -> Texts:
    own = {"session_id": session.session_id, "user_id": session.user_id, "client_id": session.client_id}
    return redactor.texts({**own, **more})


def _owner(texts: Texts) -> str:
    return texts["user_id"] or "an anonymous caller"
