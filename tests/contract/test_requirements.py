"""The mission and the tests name each other."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

from tests.requirements import REQUIREMENTS

TESTS = Path(__file__).parents[1]


def test_every_built_requirement_is_named_by_a_test() -> None:
    built = {requirement.id for requirement in REQUIREMENTS if requirement.status == "built"}
    assert built - set(named_ids()) == set()


def test_every_requirement_that_a_test_names_exists() -> None:
    known = {requirement.id for requirement in REQUIREMENTS}
    assert {id_: places for id_, places in named_ids().items() if id_ not in known} == {}


def test_every_requirement_has_one_id_and_a_sentence() -> None:
    ids = [requirement.id for requirement in REQUIREMENTS]
    assert ids == sorted(set(ids), key=lambda id_: (id_[0], int(id_[1:])))
    assert all(requirement.sentence.endswith(".") for requirement in REQUIREMENTS)


def named_ids() -> dict[str, list[str]]:
    """Each id that stands in a `requirement` mark, with the files that name it."""
    places: dict[str, list[str]] = {}
    for path in sorted(TESTS.rglob("test_*.py")):
        for id_ in marks_in(ast.parse(path.read_text(encoding="utf-8"))):
            places.setdefault(id_, []).append(str(path.relative_to(TESTS)))
    return places


def marks_in(tree: ast.AST) -> Iterator[str]:
    """The arguments of every `pytest.mark.requirement(...)`."""
    for node in ast.walk(tree):
        match node:
            case ast.Call(func=ast.Attribute(value=ast.Attribute(attr="mark"), attr="requirement")):
                for argument in node.args:
                    assert isinstance(argument, ast.Constant), ast.dump(argument)
                    assert isinstance(argument.value, str), ast.dump(argument)
                    yield argument.value
            case _:
                pass
