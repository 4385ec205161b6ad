"""What a caller and the record are told when a decision cannot be recorded."""

from __future__ import annotations

from pathlib import Path

import orjson
import pytest

from gatetrail.call import Call, Ids
from gatetrail.dispatcher.denial import denial_text
from gatetrail.dispatcher.execution import Denied
from gatetrail.errors import AuditUnavailable
from gatetrail.events.fields import Record
from gatetrail.testing import MemoryJournal
from gatetrail.words import GateName
from tests.dispatcher.test_cancellation import ANN, a_dispatcher

pytestmark = [pytest.mark.anyio, pytest.mark.requirement("D6")]


class RefusingJournal(MemoryJournal):
    """Tells of its database why it takes nothing."""

    async def append(self, event: Record) -> int:  # noqa: ARG002
        raise AuditUnavailable("PostgreSQL at db.internal:5432/audit does not answer", maybe_recorded=False)


async def test_a_caller_is_not_told_where_the_database_is_and_the_record_is(tmp_path: Path) -> None:
    async with a_dispatcher(RefusingJournal(), tmp_path) as dispatcher:
        denied = await dispatcher.admit(Call("finance", "pay", Ids("a" * 32)), ANN)
    assert isinstance(denied, Denied)
    assert denied.decision.gate is GateName.AUDIT
    assert "the decision could not be recorded" in denial_text(denied)
    assert "db.internal" not in denial_text(denied)
    (file,) = tmp_path.glob("*.jsonl")
    assert "db.internal" in orjson.loads(file.read_bytes())["reason"]
