"""Finds secrets in texts, and says the texts without them."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

from gatetrail.call import CUT_MARK
from gatetrail.policy.check_redaction import action_of
from gatetrail.policy.expressions import Expression, Match, compile_expression, is_anchored, joined_expressions
from gatetrail.policy.redaction import RedactionPolicy, Shape
from gatetrail.policy.secret_shapes import CHECKS, EXPRESSIONS
from gatetrail.policy.tricks import without_tricks
from gatetrail.redaction.marks import Marks, is_mark
from gatetrail.words import Action

_OURS = frozenset(EXPRESSIONS.values())
_NAMED_GROUP = re.compile(r"\(\?P<\w+>")

MARGIN_BYTES = 2_048
"""So far behind the last byte that can be shown a text is looked at: what begins before it is seen whole."""


@dataclass(frozen=True, slots=True)
class Detector:
    """One thing that is looked for."""

    label: str
    expression: Expression
    groups: Sequence[int]
    """The groups of which the one that took part is the secret; none: the whole match."""
    action: Action
    check: Callable[[str], bool] | None = None


@dataclass(frozen=True, slots=True)
class _Span:
    start: int
    end: int
    detector: Detector


class Finder:
    """All detectors of one policy. Time is linear in the text (RE2), whoever wrote it."""

    def __init__(self, policy: RedactionPolicy, marks: Marks) -> None:
        own = [(rule.id, rule.pattern, action_of(policy, rule)) for rule in policy.patterns]
        sources = [source for source in (*_shapes(policy), *own) if source[2] is not Action.KEEP]
        self._detectors = tuple(_detector(*source) for source in sources)
        plain = [source for _, source, _ in sources if not _is_anchored(source)]
        self._joined_tests = tuple(_joined_tests(plain))
        self._single_tests = [
            compile_expression(source, capture=False) for _, source, _ in sources if _is_anchored(source)
        ]
        self._marks = marks

    def is_quiet(self, texts: Sequence[str]) -> bool:
        """True when there is certainly nothing to be found in any of them."""
        if not all(map(str.isascii, texts)) and not self._is_plainly_quiet([without_tricks(text) for text in texts]):
            return False
        return self._is_plainly_quiet(texts)

    def _is_plainly_quiet(self, texts: Sequence[str]) -> bool:
        joined = "\n".join(texts).encode("utf-8", "replace")
        if any(test.search(joined) is not None for test in self._joined_tests):
            return False
        if not self._single_tests:
            return True
        return all(
            test.search(text.encode("utf-8", "replace")) is None for test in self._single_tests for text in texts
        )

    def redacted(self, text: str, max_bytes: int, *, equal: bool = False) -> str:
        """The text without what was found. Of a long text, at least the first `max_bytes` that are shown.

        `equal` hashes what would be masked or dropped: so that two ids do not become one.
        """
        window = max_bytes + MARGIN_BYTES
        is_cut = len(text) > window
        head = self._without_hidden(text[:window], equal=equal)
        return self._shown(head, is_cut=is_cut, equal=equal) + (CUT_MARK if is_cut else "")

    def _without_hidden(self, text: str, *, equal: bool) -> str:
        """The text as it is, unless something is found in its plain writing: then that."""
        if text.isascii() or self._is_plainly_quiet([without_tricks(text)]):
            return text
        plain = without_tricks(self._shown(text, is_cut=False, equal=equal))
        return text if self._shown(plain, is_cut=False, equal=equal) == plain else plain

    def _shown(self, text: str, *, is_cut: bool, equal: bool) -> str:
        if not is_cut and self._is_plainly_quiet([text]):
            return text
        content = text.encode("utf-8", "replace")
        spans = _merged(span for detector in self._detectors for span in self._spans(detector, content))
        # What begins in the margin may go on behind it, unseen: nothing of the margin is shown.
        limit = len(content) - MARGIN_BYTES if is_cut else len(content)
        parts: list[bytes] = []
        shown = 0
        for span in spans:
            if span.start >= limit:
                break
            parts += [content[shown : span.start], self._mark(content[span.start : span.end], span, equal=equal)]
            shown = span.end
        parts.append(content[shown : max(limit, shown)])
        return b"".join(parts).decode("utf-8", "ignore")

    def _mark(self, found: bytes, span: _Span, *, equal: bool) -> bytes:
        action = Action.HASH if equal else span.detector.action
        return self._marks.of(found.decode("utf-8", "replace"), action, span.detector.label).encode()

    def _spans(self, detector: Detector, content: bytes) -> Iterator[_Span]:
        position = 0
        while position < len(content):
            match = detector.expression.search(content, position)
            if match is None:
                return
            start, end = _secret_of(match, detector.groups)
            found = content[start:end].decode("utf-8", "replace")
            passed = detector.check is None or detector.check(found)
            if passed and end > start and not _is_marked(content, start, end):
                yield _Span(start, end, detector)
            # A failed check may have taken the beginning of what would have passed.
            position = max(match.end() if passed else 0, match.start() + 1)


def _shapes(policy: RedactionPolicy) -> Iterator[tuple[str, str, Action]]:
    for shape, expression in EXPRESSIONS.items():
        own = policy.shapes.get(shape)
        action = own or (policy.classes.sensitive if shape is Shape.PAYMENT_CARD else policy.classes.secret)
        if own is not Action.KEEP:
            yield shape.value, expression, Action.MASK if action is Action.KEEP else action


def _detector(label: str, source: str, action: Action) -> Detector:
    expression = compile_expression(source)
    groups = tuple(index for name, index in expression.groupindex.items() if name.startswith(b"secret"))
    check = CHECKS.get(Shape(label)) if label in EXPRESSIONS else None
    return Detector(label, expression, groups, action, check)


def _joined_tests(sources: Sequence[str]) -> Iterator[Expression]:
    """As few expressions as possible of which one fits wherever a detector does."""
    ours = [_NAMED_GROUP.sub("(?:", source) for source in sources if source in _OURS]
    # Two expressions with a group of the same name cannot be joined.
    theirs = [source for source in sources if source not in _OURS]
    yield from joined_expressions([*ours, *(source for source in theirs if "(?P<" not in source)])
    yield from (compile_expression(source, capture=False) for source in theirs if "(?P<" in source)


def _is_anchored(pattern: str) -> bool:
    """True for what may fit a whole text and not a part of a longer one."""
    return pattern not in _OURS and is_anchored(pattern)


def _secret_of(match: Match, groups: Sequence[int]) -> tuple[int, int]:
    for group in groups:
        start, end = match.span(group)
        if start >= 0:
            return start, end
    start, end = match.span()
    return start, end


def _is_marked(content: bytes, start: int, end: int) -> bool:
    # The bracket of a mark can have been taken for that of a list.
    begin = start - 1 if content[max(start - 1, 0) : start] == b"[" else start
    return is_mark(content[start:end].decode("utf-8", "replace")) or is_mark(
        content[begin:end].decode("utf-8", "replace")
    )


def _merged(spans: Iterable[_Span]) -> list[_Span]:
    """In order and apart. One within another is a part of that; two that overlap become one, treated as the first."""
    merged: list[_Span] = []
    for span in sorted(spans, key=lambda one: (one.start, -one.end)):
        last = merged[-1] if merged else None
        if last is None or span.start >= last.end:
            merged.append(span)
        elif span.end > last.end:
            merged[-1] = _Span(last.start, span.end, last.detector)
    return merged
