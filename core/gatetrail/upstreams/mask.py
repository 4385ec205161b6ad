"""Texts of other people's programs, without the credentials that we gave them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, cast

from mcp.shared.exceptions import MCPError

from gatetrail.policy.redaction import RedactionPolicy
from gatetrail.redaction.finder import Finder
from gatetrail.redaction.marks import Marks

MASKED = "[credential]"
SHORTEST = 4
"""Shorter texts are no secrets, and masking them would make a line unreadable."""
MOST = 100_000
"""No more of a text is looked at."""


class Mask:
    """Takes out known credentials word for word, and what looks like any other secret by the built-in shapes."""

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        # The longest first: one may be a part of another.
        self._secrets = sorted({text for text in secrets if len(text) >= SHORTEST}, key=len, reverse=True)
        self._finder = Finder(RedactionPolicy(), Marks(b""))

    def line(self, text: str, longest: int) -> str:
        """For our log: neither credentials nor other secrets, and nothing that a terminal would obey.

        Of a text that is longer, its beginning. It may have been cut off anywhere, within a credential too.
        """
        known = self._without_a_begun_secret(self.known(text[:MOST]))[:longest]
        printable = "".join(character if character.isprintable() else " " for character in known)
        return self._finder.redacted(printable, len(printable.encode("utf-8", "replace")))

    def known(self, text: str) -> str:
        """Without our credentials; otherwise as it is."""
        for secret in self._secrets:
            text = text.replace(secret, MASKED)
        return text

    def _without_a_begun_secret(self, text: str) -> str:
        for secret in self._secrets:
            for length in range(len(secret) - 1, SHORTEST - 1, -1):
                if text.endswith(secret[:length]):
                    return text[:-length] + MASKED
        return text

    def error(self, problem: MCPError) -> MCPError:
        """The same error for the caller, without our credentials in message and data."""
        return MCPError(problem.code, self.known(problem.message), self._deep(problem.data))

    def _deep(self, value: Any) -> Any:
        if isinstance(value, str):
            return self.known(value)
        if isinstance(value, dict):
            return {self.known(key): self._deep(item) for key, item in cast("dict[str, Any]", value).items()}
        if isinstance(value, list):
            return [self._deep(item) for item in cast("Sequence[Any]", value)]
        return value
