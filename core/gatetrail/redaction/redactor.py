"""One policy's redaction, ready to be asked. Pure and synchronous: it is on every call's way."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any

from gatetrail.call import (
    CUT_MARK,
    MAX_ID_BYTES,
    MAX_NAME_BYTES,
    MAX_SENTENCE_BYTES,
    MAX_TOOL_BYTES,
    MAX_USER_AGENT_BYTES,
    Call,
    arguments_digest,
    canonical_arguments,
    clean,
    clean_list,
)
from gatetrail.policy.redaction import MAX_PREVIEW_BYTES, RedactionPolicy, Shape
from gatetrail.redaction.finder import Finder
from gatetrail.redaction.marks import MASK, Marks
from gatetrail.redaction.names import no_secret_names, secret_names
from gatetrail.redaction.places import Places
from gatetrail.redaction.preview import Treatment, preview
from gatetrail.words import Action

MAX_JOINED_CHARACTERS = 16_384
"""Of longer texts each is looked at by itself, and only as far as it can be shown."""

MAX_REMEMBERED = 1_024
"""Sets of grants whose form in the record is kept."""

MAX_BYTES: Mapping[str, int] = {
    **dict.fromkeys(("user_id", "claimed_user_id", "session_id", "context_id", "client_id", "task_id"), MAX_ID_BYTES),
    **dict.fromkeys(("call_id", "department", "rule_id", "error_class", "endpoint"), MAX_ID_BYTES),
    **dict.fromkeys(("server_name", "method", "src_ip"), MAX_NAME_BYTES),
    **dict.fromkeys(("token_id", "issuer", "changed_by"), MAX_ID_BYTES),
    **dict.fromkeys(("permission_mode", "lifecycle_reason"), MAX_ID_BYTES),
    "tool_name": MAX_TOOL_BYTES,
    "working_directory": MAX_TOOL_BYTES,
    "http_user_agent": MAX_USER_AGENT_BYTES,
    "reason": MAX_SENTENCE_BYTES,
    "shadow_reason": MAX_SENTENCE_BYTES,
    "message": MAX_SENTENCE_BYTES,
}
"""How long a text from outside can be in an event, as counted in JSON."""

IDS = frozenset(
    {
        "user_id",
        "claimed_user_id",
        "session_id",
        "context_id",
        "client_id",
        "task_id",
        "call_id",
        "token_id",
        "changed_by",
    }
)
"""Where different values have to stay different: what would be masked, dropped or cut is hashed."""

REQUIRED = frozenset({"server_name", "tool_name", "method", "reason", "message"})
"""What is left out of none of the events that have it: a mark stands where nothing would be left."""

SENTENCES = ("reason", "shadow_reason")
"""They may repeat what stands under other keys."""

Texts = Mapping[str, str | None]


class Redactor:
    """Says texts and arguments as they may stand in the record."""

    def __init__(self, policy: RedactionPolicy, marks: Marks, sensitive_keys: frozenset[str]) -> None:
        names_on = policy.shapes.get(Shape.SECRET_NAME) is not Action.KEEP
        self.policy = policy
        """What it was made of."""
        self._marks = marks
        self._finder = Finder(policy, marks)
        self._places = Places(policy)
        self._treatment = Treatment(
            self._finder,
            marks,
            secret_names(policy.secret_names) if names_on else no_secret_names,
            policy.shapes.get(Shape.SECRET_NAME, policy.classes.secret),
            policy.classes.sensitive,
        )
        self.grants = lru_cache(MAX_REMEMBERED)(self._grants_of)
        """Scopes or audiences in order, as many as have room; a last one of one ellipsis where there are more."""
        self._sensitive_action = policy.classes.sensitive
        self._treated_keys = frozenset[str]() if self._sensitive_action is Action.KEEP else sensitive_keys

    def texts(self, raw: Texts) -> dict[str, str | None]:
        """Texts from outside by their key in the event: redacted, then cut to the size that the key may have.

        They are to be given whole: what has been cut may be the unrecognisable beginning of a secret. Where
        something was redacted, `reason` and `shadow_reason` do not repeat it.
        """
        present = [text for text in raw.values() if text]
        is_quiet = sum(map(len, present)) <= MAX_JOINED_CHARACTERS and self._finder.is_quiet(present)
        if is_quiet and not self._treated_keys:
            return {key: self._fitting(key, text) if text else _nothing(key) for key, text in raw.items()}
        told = {key: self._text(key, text, is_quiet=is_quiet) if text else _nothing(key) for key, text in raw.items()}
        for key in SENTENCES:
            if reason := told.get(key):
                told[key] = clean(_unsaid(reason, raw, told), MAX_SENTENCE_BYTES)
        return told

    def roles(self, roles: Sequence[str]) -> tuple[str, ...] | None:
        """The same for a list: as many as have room."""
        if not roles:
            return None
        if "roles" in self._treated_keys:
            action = self._sensitive_action
            return None if action is Action.DROP else clean_list([self._marks.of(role, action) for role in roles])
        if self._finder.is_quiet(roles):
            return clean_list(roles)
        return clean_list([self._redacted_name(role) for role in roles])

    def _grants_of(self, names: frozenset[str]) -> tuple[str, ...]:
        in_order = sorted(names)
        told = in_order if self._finder.is_quiet(in_order) else [self._redacted_name(name) for name in in_order]
        kept = clean_list(told) or ()
        return kept if len(kept) == len(told) else (*kept, CUT_MARK)

    def _redacted_name(self, name: str) -> str:
        return self._finder.redacted(name, MAX_NAME_BYTES) or MASK

    def free_texts(self, texts: Mapping[str, str]) -> dict[str, str]:
        """Of texts that are no longer than they may be, those in which something was found, without it."""
        if self._finder.is_quiet(list(texts.values())):
            return {}
        found = {key: self._finder.redacted(text, len(text), equal=key in IDS) for key, text in texts.items()}
        return {
            key: clean(told or MASK, MAX_BYTES.get(key, MAX_NAME_BYTES))
            for key, told in found.items()
            if told != texts[key]
        }

    def key_of(self, identifier: str) -> str:
        """An id under which something may be stored: the same for the same id, with secrets in it hashed."""
        if self._finder.is_quiet([identifier]):
            return identifier
        return self._finder.redacted(identifier, len(identifier) * 4, equal=True)

    @property
    def has_previews(self) -> bool:
        """False where the policy wants none."""
        return self.policy.preview_bytes > 0

    def preview(self, call: Call, room_bytes: int = MAX_PREVIEW_BYTES) -> str | None:
        """`arguments_preview`, in no more than the room that there is; None when there is nothing to show."""
        max_bytes = min(self.policy.preview_bytes, room_bytes)
        if max_bytes <= 0 or not call.arguments:
            return None
        return preview(call.arguments, self._places.of(call.server_name, call.tool_name), self._treatment, max_bytes)

    def digest(self, arguments: Mapping[str, Any]) -> str:
        """`arguments_digest`: over the arguments as they came, so that it stays the same under another policy.

        Unkeyed, as by default, anybody can recompute it; and so somebody who knows all but a few values can
        find these by trying. That is why it can be keyed.
        """
        if self.policy.keyed_digest:
            return self._marks.digest(canonical_arguments(arguments))
        return arguments_digest(arguments)

    def _text(self, key: str, text: str, *, is_quiet: bool) -> str | None:
        if key in self._treated_keys:
            return self._treated(key, text)
        if is_quiet:
            return self._fitting(key, text)
        if key in IDS:
            return self._fitting(key, self.key_of(text))
        told = self._finder.redacted(text, MAX_BYTES[key])
        if not told:
            return MASK if key in REQUIRED else None
        return clean(told, MAX_BYTES[key])

    def _fitting(self, key: str, text: str) -> str:
        told = clean(text, MAX_BYTES[key])
        return self._marks.hashed(text) if told != text and key in IDS else told

    def _treated(self, key: str, text: str) -> str | None:
        action = Action.HASH if key in IDS else self._sensitive_action
        if key == "src_ip" and action is Action.MASK:
            return masked_address(text)
        return self._marks.of(text, action) or None


def _nothing(key: str) -> str | None:
    return "" if key in REQUIRED else None


def masked_address(text: str) -> str:
    """The network of an address, so that it stays an address: of IPv4 the first 24 bits, of IPv6 the first 48."""
    try:
        address = ipaddress.ip_address(text.partition("%")[0])
    except ValueError:
        return MASK
    bits = 24 if address.version == 4 else 48  # noqa: PLR2004
    return str(ipaddress.ip_network((address, bits), strict=False).network_address)


def _unsaid(reason: str, raw: Texts, told: Texts) -> str:
    """The reason without the values that their own keys do not show."""
    for key, text in raw.items():
        shown = told[key]
        if not text or key in SENTENCES or shown == clean(text, MAX_BYTES[key]):
            continue
        for said in {text, repr(text)[1:-1]}:
            if said not in reason:
                continue
            reason = re.sub(rf"(?<!\w){re.escape(said)}(?!\w)", (shown or MASK).replace("\\", r"\\"), reason)
    return reason
