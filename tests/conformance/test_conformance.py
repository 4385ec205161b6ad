"""The gate changes nothing that the MCP specification asks of a server."""

from __future__ import annotations

import pytest

from tests.conformance.suite import PROGRAM, Score, scores, serving
from tests.require import require_or_skip

# What the plain server reaches: the number of checks that each version of the protocol has.
CHECKS = {"2025-11-25": 84, "2026-07-28": 152}
AllScores = dict[str, dict[str, Score]]

pytestmark = [pytest.mark.node, pytest.mark.slow]


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> AllScores:
    """The scores of the server without a gate, by protocol version."""
    return measured(tmp_path_factory)


@pytest.fixture(scope="module")
def gated(tmp_path_factory: pytest.TempPathFactory) -> AllScores:
    """The scores of the same server behind the gate, by protocol version."""
    return measured(tmp_path_factory, "--gated")


@pytest.mark.parametrize("version", CHECKS)
def test_the_server_without_a_gate_passes_every_check(plain: AllScores, version: str) -> None:
    by_scenario = plain[version]
    assert {name: score for name, score in by_scenario.items() if score.failed or score.warned} == {}
    assert sum(score.passed for score in by_scenario.values()) == CHECKS[version]


@pytest.mark.requirement("A7")
@pytest.mark.parametrize("version", CHECKS)
def test_no_scenario_is_worse_with_the_gate(plain: AllScores, gated: AllScores, version: str) -> None:
    behind = gated[version]
    worse = {
        name: (without, behind.get(name))
        for name, without in plain[version].items()
        if name not in behind or behind[name].worse_than(without)
    }
    assert worse == {}


def measured(folders: pytest.TempPathFactory, *flags: str) -> AllScores:
    require_or_skip(PROGRAM.exists(), "the conformance suite is not installed (make conformance)")
    with serving(*flags) as url:
        return {version: scores(url, version, folders.mktemp(version)) for version in CHECKS}
