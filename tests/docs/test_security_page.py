"""The page's table of attacks names tests that exist."""

from __future__ import annotations

import ast
import re

import pytest

from tests.checkout import ROOT

PAGE = ROOT / "docs" / "security.md"
ROWS = [line for line in PAGE.read_text().splitlines() if re.match(r"\| .* \| `tests/.*` \|$", line)]


def test_the_page_has_its_rows() -> None:
    assert len(ROWS) > 60


@pytest.mark.parametrize("reference", sorted({found for row in ROWS for found in re.findall(r"`(tests/[^`]+)`", row)}))
def test_every_test_that_is_named_is_there(reference: str) -> None:
    file, _, name = reference.partition("::")
    tree = ast.parse((ROOT / file).read_text())
    names = {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)}
    assert not name or name in names
