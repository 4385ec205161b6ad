"""Tables fit the terminal, whatever stands in them; colour is only for who wants it."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from gatetrail.cli.cells import Cell, Screen, cut, folded
from gatetrail.cli.rows import Rows
from gatetrail.cli.sink_table import sink_lines
from gatetrail.cli.terminal import printable
from gatetrail.delivery.sink import Start
from gatetrail.delivery.sink_keys import never_run
from gatetrail.events.fields import Record
from gatetrail.events.journal import Entry
from gatetrail.events.model import AuditHeartbeat
from gatetrail.events.wire import canonical, keys_of
from gatetrail.words import Level
from gatetrail_sinks.postgres.cursors import PostgresCursors
from tests.cli.conftest import COMMAND, Gatetrail
from tests.cli.recorded import STAMP, allowed, denied, limited, record
from tests.cli.terminal import Terminal, plain, widest

WIDE = "漢字の利用者"
MARKED = "e\u0301ve\u0300"
PIECES = st.one_of(st.characters(codec="utf-8"), st.sampled_from(["漢", MARKED, "🙂", "👩‍👩‍👧", "🇩🇪", "word ", "a"]))
TEXTS = st.lists(PIECES, max_size=60).map(lambda pieces: printable("".join(pieces)))


class Fixed(Screen):
    """A terminal of so many cells, without colour."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.is_terminal = True
        self.width = width


def odd_events() -> list[Record]:
    """With texts that are hard to lay out."""
    heartbeat = AuditHeartbeat(
        **STAMP(Level.INFO, "the audit trail is alive"),
        allowed_count=2,
        denied_count=2,
        completed_count=2,
        exported_count=0,
    )
    return [
        *allowed(user_id="ann"),
        denied(user_id="bob.the.builder@finance.example.com", tool_name="close_the_books_of_the_whole_company"),
        *allowed(user_id=WIDE, server_name="engineering", tool_name="Zażółć_gęślą_jaźń"),
        limited(user_id=MARKED),
        denied(user_id="mallory", tool_name="\x1b[31mred\u202e", reason="a very long reason, and no end of it, " * 5),
        heartbeat,
    ]


@given(TEXTS, st.integers(20, 60))
def test_a_folded_text_is_whole_and_fits(text: str, width: int) -> None:
    lines = folded(text, width)
    assert all(cell_len(line) <= width for line in lines)
    assert "".join(lines).replace(" ", "") == text.replace(" ", "")


@given(TEXTS, st.integers(2, 60))
def test_a_cut_text_fills_its_cells_exactly(text: str, width: int) -> None:
    if cell_len(text) > width:
        assert cell_len(cut(text, width)) == width
        assert cut(text, width).endswith("…")


@pytest.mark.parametrize("width", [*range(60, 216, 5), 79, 169, 171])
def test_events_fit_every_width_with_whole_ids(width: int) -> None:
    rows = Rows(Fixed(width))
    heading = rows.heading().splitlines()
    assert max(map(cell_len, heading)) <= width
    for event in odd_events():
        parsed = Entry(1, "any", canonical({**keys_of(event), "seq": 1})).event()
        lines = [*rows.lines(parsed)]
        assert max(map(cell_len, lines)) <= width
        assert len(lines) <= len(heading)
        identifier = keys_of(event).get("execution_id", "")
        assert identifier in "\n".join(lines)


@pytest.mark.parametrize("width", [60, 80, 120, 200])
def test_sinks_fit_every_width_and_nothing_of_them_is_cut(width: int) -> None:
    error = "connection to 10.1.2.3:6514 refused: certificate verify failed: unable to get local issuer certificate"
    failing = {**never_run("siem-of-the-whole-company-in-the-west", 12), "last_error": error, "cursor_seq": 123_456}
    lines = [*sink_lines([never_run(WIDE, 12), failing], Fixed(width))]
    assert max(map(cell_len, lines)) <= width
    assert error in " ".join(" ".join(lines).split())


def test_a_label_stands_before_its_folded_value() -> None:
    lines = [*Fixed(60).labelled(Cell("reason", 10), Cell("word " * 20))]
    assert [line[:11] for line in lines] == ["reason     ", *["           "] * (len(lines) - 1)]
    assert len(lines) > 1


def on_terminal(
    gatetrail: Gatetrail, *arguments: str, columns: int = 80, variables: Mapping[str, str] | None = None
) -> str:
    """What the command leaves on a terminal of its own."""
    kept = {name: value for name, value in gatetrail.environment.items() if "COLOR" not in name and name != "COLUMNS"}
    with Terminal([*COMMAND, *arguments], gatetrail.folder, {**kept, **(variables or {})}, columns) as terminal:
        return terminal.all()


@pytest.mark.postgres
@pytest.mark.slow
@pytest.mark.requirement("E4")
def test_on_real_terminals_nothing_wraps(gatetrail: Gatetrail, dsn: str) -> None:
    events = odd_events()
    record(dsn, events)
    asyncio.run(put_aside(dsn))
    identifier = keys_of(events[0])["execution_id"]
    for columns in (60, 120):
        for arguments in (("events",), ("why", identifier), ("sinks",), ("sinks", "quarantine")):
            shown = on_terminal(gatetrail, *arguments, columns=columns)
            assert 0 < widest(shown) <= columns, shown
            assert arguments[0] == "sinks" or identifier in plain(shown)
    assert 80 < widest(on_terminal(gatetrail, "events", columns=80, variables={"COLUMNS": "100"})) <= 100


async def put_aside(dsn: str) -> None:
    cursors = PostgresCursors(dsn)
    await cursors.acquire("siem", Start.BEGINNING)
    line = canonical({**keys_of(denied()), "seq": 3})
    await cursors.quarantine("siem", Entry(3, "tool_call.decided", line), "413: the message is too long " * 4)
    await cursors.close()


@pytest.mark.postgres
@pytest.mark.slow
def test_colour_is_for_terminals_that_want_it(gatetrail: Gatetrail, dsn: str) -> None:
    record(dsn, [denied()])
    for variables, coloured in (
        ({}, True),
        ({"NO_COLOR": "1", "FORCE_COLOR": "1"}, False),
        ({"TERM": "dumb"}, False),
        ({"TERM": "dumb", "FORCE_COLOR": "1"}, True),
    ):
        assert ("\x1b[31m" in on_terminal(gatetrail, "events", variables=variables)) is coloured, variables
    assert "\x1b" not in gatetrail("events").out
    assert "\x1b[31mdeny" in gatetrail("events", FORCE_COLOR="1").out
    assert "\x1b" not in gatetrail("events", FORCE_COLOR="0").out
    forced = gatetrail("events", "--json", FORCE_COLOR="1").out
    assert json.loads(forced)["decision"] == "deny"
