"""Lines of the log, and reasons that are cut before they come to the record."""

from __future__ import annotations

import io
import json
import logging
from pathlib import Path

import pytest

from gatetrail.call import first_words
from gatetrail.cli.logs import placed
from gatetrail.delivery.courier import in_one_line
from gatetrail.redaction.log_lines import RedactedLines, redacted_objects
from tests.redaction.stage import Stage

pytestmark = pytest.mark.requirement("F3")

DSN = "postgresql://gatetrail:hunter2Zq9xLm@db.example/audit"


def test_a_line_of_anybodys_log_has_no_secret_in_its_text_or_traceback() -> None:
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    handler.setFormatter(RedactedLines("%(levelname)s %(name)s: %(message)s"))
    log = logging.Logger("a.driver")  # noqa: LOG001 -- stands for a foreign one
    log.addHandler(handler)
    try:
        int(f"no answer from {DSN}")
    except ValueError:
        log.exception("token=%s, trying again", "hunter2Zq9xLm")
    log.warning("nothing to hide: %d of %s", 3, "sink")
    told = stream.getvalue()
    assert "hunter2" not in told
    assert "ERROR a.driver: token=[redacted:secret_pair], trying again\nTraceback" in told
    assert told.endswith("WARNING a.driver: nothing to hide: 3 of sink\n")


@pytest.mark.parametrize("before", range(440, 500, 3))
def test_a_reason_is_cut_between_words_so_that_no_half_of_an_address_is_left(tmp_path: Path, before: int) -> None:
    redactor = Stage(tmp_path).dispatcher.redactor
    reason = in_one_line(ValueError("y " * (before // 2) + DSN))
    told = redactor.free_texts({"reason": reason}).get("reason", reason)
    assert "hunter2" not in told
    assert "hun" not in told.replace("hunter2Zq9xLm", "")


def test_first_words_has_room_for_the_mark() -> None:
    assert first_words("one two", 7) == "one two"
    assert first_words("one two three", 9) == "one two…"
    assert first_words("x" * 20, 9) == "…"


def test_an_object_of_the_log_has_no_secret_however_deep_it_lies() -> None:
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    handler.addFilter(placed)
    handler.setFormatter(redacted_objects())
    log = logging.Logger("a.driver")  # noqa: LOG001 -- stands for a foreign one
    log.addHandler(handler)
    log.warning({"asked": {"of": [DSN, 3, None]}})
    log.warning("it", extra={"headers": {"x": (f"token={DSN}", b"1")}, "problem": ValueError(DSN), "count": 3})
    first, second = map(json.loads, stream.getvalue().splitlines())
    assert "hunter2" not in stream.getvalue()
    assert first["asked"]["of"][1:] == [3, None]
    assert second["problem"].startswith("postgresql://gatetrail:[redacted:")
    assert second["count"] == 3
