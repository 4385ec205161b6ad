"""One service for the tests of a module."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from tests.proxies.stand import Stand, standing_by
from tests.service.api.conftest import module_dsn

__all__ = ["module_dsn"]


@pytest.fixture(scope="module")
async def whole_stand(module_dsn: str, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Stand]:
    async with standing_by(module_dsn, tmp_path_factory.mktemp("service")) as running:
        yield running


@pytest.fixture
async def stand(whole_stand: Stand) -> Stand:
    """With nothing left over from the test before."""
    await whole_stand.new_events()
    whole_stand.ran.clear()
    return whole_stand
