"""Every kind of event has its place in every format, and every format is one of a closed list."""

from __future__ import annotations

from typing import get_args

import pytest
from hypothesis import given

from gatetrail.events.fields import Record
from gatetrail.formats.choice import Format, render_of
from gatetrail.formats.kinds import KINDS, Kind
from tests.formats.making import MODELS, any_events, entry_of


def test_the_list_of_kinds_is_the_union_of_events() -> None:
    names = {name for model in MODELS for name in get_args(model.model_fields["event_name"].annotation)}
    assert set(KINDS) == names
    assert set(KINDS.values()) == set(Kind)
    assert len(Kind) == len(MODELS)


@pytest.mark.parametrize("chosen", Format)
@given(event=any_events())
def test_rendering_is_pure(chosen: Format, event: Record) -> None:
    entry = entry_of(event)
    before = entry.line
    render = render_of(chosen)
    assert render(entry) == render(entry)
    assert entry.line == before


@given(event=any_events())
def test_json_is_the_journals_own_line(event: Record) -> None:
    entry = entry_of(event)
    assert render_of(Format.JSON)(entry) is entry.line
