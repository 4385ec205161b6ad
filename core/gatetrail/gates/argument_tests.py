"""The argument tests of the blocklist, ready to be asked."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from functools import cache

from gatetrail.gates.arguments import Found, Looking, plain, texts_of
from gatetrail.policy.argument_path import parse_path
from gatetrail.policy.blocklist import ArgumentTest
from gatetrail.policy.expressions import Expression, Match, compile_expression, is_anchored, joined_expressions
from gatetrail.policy.globs import compile_glob, glob_expression
from gatetrail.policy.redaction import Shape
from gatetrail.policy.secret_shapes import CHECKS, EXPRESSIONS
from gatetrail.policy.tricks import without_tricks

Fits = Callable[[Found], bool]

SECRETS = tuple(shape for shape in EXPRESSIONS if shape is not Shape.PAYMENT_CARD)
"""What `secrets: true` looks for."""

_NAMED_GROUP = re.compile(r"\(\?P<\w+>")


class CompiledTest:
    """One test: where it looks, and what has to be there."""

    def __init__(self, test: ArgumentTest, max_bytes: int) -> None:
        self._path = None if test.path is None else parse_path(test.path)
        self._max_bytes = max_bytes
        self._fits = _fits(test)

    def verdict(self, looking: Looking) -> bool | None:
        """Whether it fits; None when that cannot be told, because there is more than is looked at."""
        found = looking.at(self._path, self._max_bytes)
        if self._fits(found):
            return True
        return False if found.whole else None


def _fits(test: ArgumentTest) -> Fits:
    if test.equals is not None:
        return _equal_to(texts_of(test.equals)[-1], exact=test.exact)
    if test.glob is not None:
        return _like(test.glob, exact=test.exact)
    if test.pattern is not None:
        return _matching(test.pattern, exact=test.exact)
    return _with_secrets(test.shapes or SECRETS)


def _equal_to(wanted: str, *, exact: bool) -> Fits:
    if exact:
        return lambda found: wanted in found.texts
    wanted = plain(wanted)
    return lambda found: wanted in found.plain_texts


def _like(glob: str, *, exact: bool) -> Fits:
    if exact:
        pattern = re.compile(glob_expression(glob, fold=False))
        return lambda found: any(pattern.fullmatch(text) for text in found.texts)
    folded = compile_glob(plain(glob))
    return lambda found: any(folded.fullmatch(text) for text in found.plain_texts)


def _matching(pattern: str, *, exact: bool) -> Fits:
    search = _expression(pattern, exact=exact).search
    if exact:
        return lambda found: any(search(text) is not None for text in found.exact)
    if is_anchored(pattern):
        return lambda found: any(search(text) is not None for text in found.written)
    # What is in one text is in all of them joined; the reverse is looked at only where it may be so.
    return lambda found: search(found.joined) is not None and any(search(text) is not None for text in found.written)


def _expression(pattern: str, *, exact: bool) -> Expression:
    """Unless exact, one that also fits what is left of a text without marks and the like, if it holds any itself."""
    if exact:
        return compile_expression(pattern, capture=False)
    expression = compile_expression(f"(?i){pattern}", capture=False)
    if pattern.isascii():
        return expression
    try:
        either = compile_expression(f"(?i)(?:{pattern})|(?:{without_tricks(pattern)})", capture=False)
    except ValueError:
        return expression
    return expression if either.search(b"") is not None else either


def _with_secrets(shapes: Sequence[Shape]) -> Fits:
    return secret_test(frozenset(shapes))


@cache
def secret_test(shapes: frozenset[Shape]) -> Fits:
    """Whether one of these shapes is in a text. Linear in the text."""
    plain_shapes = [shape for shape in EXPRESSIONS if shape in shapes and shape not in CHECKS]
    joined = list(joined_expressions([_NAMED_GROUP.sub("(?:", EXPRESSIONS[shape]) for shape in plain_shapes]))
    checked = [(compile_expression(EXPRESSIONS[shape]), check) for shape, check in CHECKS.items() if shape in shapes]

    def fits(found: Found) -> bool:
        if any(test.search(found.joined) is not None for test in joined) and any(
            test.search(text) is not None for test in joined for text in found.written
        ):
            return True
        return any(_has_checked(text, *one) for one in checked for text in found.written)

    return fits


def _has_checked(text: bytes, expression: Expression, check: Callable[[str], bool]) -> bool:
    match: Match | None = expression.search(text)
    while match is not None:
        if check(text[match.start() : match.end()].decode("utf-8", "replace")):
            return True
        match = expression.search(text, match.start() + 1)
    return False
