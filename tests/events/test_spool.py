"""What the journal could not take is not lost, whoever dies when."""

from __future__ import annotations

from pathlib import Path

import pytest

from gatetrail.events.spool import Spool
from tests.samples import decided, make_stamp

pytestmark = pytest.mark.requirement("D6")


def test_events_wait_in_order_until_they_are_dropped(tmp_path: Path) -> None:
    stamp = make_stamp()
    spool = Spool(tmp_path, stamp.instance_id)
    first, second, third = (decided(stamp) for _ in range(3))
    spool.keep(first)
    spool.keep(second)
    assert spool.own is not None
    waiting = spool.own.waiting()
    spool.keep(third)
    assert list(waiting.events) == [first, second]
    spool.own.drop(waiting)
    assert list(spool.own.waiting().events) == [third]
    spool.close()


def test_the_file_of_a_dead_process_is_found_and_that_of_a_living_one_is_not(tmp_path: Path) -> None:
    dead, living, ours = make_stamp(), make_stamp(), make_stamp()
    left = decided(dead)
    abandoned = Spool(tmp_path, dead.instance_id)
    abandoned.keep(left)
    abandoned.close()
    neighbour = Spool(tmp_path, living.instance_id)
    neighbour.keep(decided(living))
    (found,) = Spool(tmp_path, ours.instance_id).abandoned()
    assert list(found.waiting().events) == [left]
    found.remove()
    assert not list(Spool(tmp_path, ours.instance_id).abandoned())
    neighbour.close()


def test_a_line_that_was_torn_by_a_crash_costs_no_other(tmp_path: Path) -> None:
    stamp = make_stamp()
    spool = Spool(tmp_path, stamp.instance_id)
    first, second = decided(stamp), decided(stamp)
    spool.keep(first)
    with (tmp_path / f"{stamp.instance_id}.jsonl").open("ab") as file:
        file.write(b'{"@timestamp":"2026-')
    spool.keep(second)
    assert spool.own is not None
    assert list(spool.own.waiting().events) == [first, second]
    spool.close()


def test_a_spool_that_was_never_needed_leaves_nothing_behind(tmp_path: Path) -> None:
    spool = Spool(tmp_path / "spool", make_stamp().instance_id)
    spool.close()
    assert not (tmp_path / "spool").exists()


def test_only_its_owner_may_read_the_spool(tmp_path: Path) -> None:
    stamp = make_stamp()
    spool = Spool(tmp_path / "spool", stamp.instance_id)
    spool.keep(decided(stamp))
    assert (tmp_path / "spool").stat().st_mode & 0o777 == 0o700
    assert (tmp_path / "spool" / f"{stamp.instance_id}.jsonl").stat().st_mode & 0o777 == 0o600
    spool.close()
