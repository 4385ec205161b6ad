"""Events of callers: probes, identities, sessions, and what agents report of themselves."""

from __future__ import annotations

from typing import Literal

from gatetrail.events.fields import (
    Count,
    Identifier,
    LifecycleName,
    PeerKeys,
    Personal,
    Record,
    Sentence,
    ShortName,
    ShortPersonal,
    TierWord,
)
from gatetrail.words import ReasonCode


class ScannerDetected(PeerKeys):
    """A probe that is no tool call: a path, an agent or a burst."""

    event_name: Literal["scanner.detected"] = "scanner.detected"
    gate: Literal["scanner"] = "scanner"
    """Always the scanner."""
    decision: Literal["deny"] = "deny"
    """A probe is always denied."""
    reason_code: ReasonCode
    """What gave it away, as one word to group by."""
    reason: Sentence
    """What gave it away, as a sentence."""
    rule_id: Identifier | None = None
    """The rule of the scanner that matched."""
    method: ShortName | None = None
    """The HTTP method."""
    endpoint: Identifier | None = None
    """The path that was asked for."""


class IdentityRefused(PeerKeys):
    """Somebody presented something that proves nothing. Never holds the token."""

    event_name: Literal["identity.refused"] = "identity.refused"
    reason_code: ShortName
    """Why, as one word to group by."""
    reason: Sentence
    """Why, as a sentence."""
    auth_method: Literal["bearer", "proxy", "embedded", "none"]
    """What kind of proof was presented."""
    claimed_user_id: Personal | None = None
    """The user that the proof names. It was refused, so this may be a lie."""
    endpoint: Identifier | None = None
    """The path that was asked for."""


class IdentityRestricted(Record):
    """A token or a user was revoked, or a user limited to a tier."""

    event_name: Literal["identity.restricted"] = "identity.restricted"
    restriction: Literal["token_revoked", "user_revoked", "tier_limited"]
    """One token, all tokens of a user so far, or the highest tier that a user has from now on."""
    user_id: Personal | None = None
    """The user that it is about. Absent when it is about one token."""
    token_id: Identifier | None = None
    """The token that it is about, by its `jti`."""
    issuer: Identifier | None = None
    """Only tokens of this issuer; absent when of any."""
    tier_limit: TierWord | None = None
    """The highest tier that the user has from now on; only of `tier_limited`."""
    reason: Sentence
    """Why, as whoever did it says."""
    changed_by: Personal
    """Who did it."""


class IdentityRestored(Record):
    """A restriction of a token or a user was taken back."""

    event_name: Literal["identity.restored"] = "identity.restored"
    restriction: Literal["token_revoked", "user_revoked", "tier_limited"]
    """What is no longer so."""
    user_id: Personal | None = None
    """The user that it was about."""
    token_id: Identifier | None = None
    """The token that it was about, by its `jti`."""
    issuer: Identifier | None = None
    """Only tokens of this issuer; absent when of any."""
    changed_by: Personal
    """Who took it back."""


class SessionStarted(Record):
    """A session was seen for the first time and bound to its owner and tier."""

    event_name: Literal["session.started"] = "session.started"
    session_tier: TierWord
    """The highest tier that the session can ever use."""
    department: Personal | None = None
    """From the verified identity."""
    src_ip: ShortPersonal | None = None
    """Address of the peer."""


class SessionResumed(Record):
    """A process took up a session that another process, or an earlier life of it, had opened."""

    event_name: Literal["session.resumed"] = "session.resumed"
    session_tier: TierWord
    """The highest tier that the session can ever use."""


class SessionEnded(Record):
    """A session was ended for good."""

    event_name: Literal["session.ended"] = "session.ended"
    reason: Sentence
    """Why it ended, as a sentence."""


class LifecycleReported(PeerKeys):
    """One of the ten moments that agents report. What was said or came out is never in it, only how long it was."""

    event_name: LifecycleName
    hook_source: ShortName | None = None
    """The kind of agent that reported it, for instance `claude-code`; absent where it was seen here."""
    server_name: ShortName | None = None
    """The server of the policy that the agent's own tools are under."""
    tool_name: Identifier | None = None
    """The agent's tool, where the moment is about one."""
    call_id: Identifier | None = None
    """The agent's own id of that use of the tool."""
    execution_id: Identifier | None = None
    """The decision that it belongs to; absent where there is none, or none was found."""
    lifecycle_reason: ShortName | None = None
    """Why, or of what kind, in the agent's word: how a session began or ended, which notification, which subagent."""
    permission_mode: ShortName | None = None
    """How the agent asks its user, in its own word, for instance `plan` or `bypassPermissions`."""
    working_directory: Personal | None = None
    """The folder that the agent works in."""
    content_digest: ShortName | None = None
    """Digest of what was said or came out, made as `arguments_digest` is."""
    content_bytes: Count | None = None
    """How long that was, as JSON."""
