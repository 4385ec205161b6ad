"""rsyslogd is killed under load, as is our side, and both begin anew."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from gatetrail_sinks.syslog import TransportKind
from tests.sinks.losses import losses
from tests.sinks.places.syslog import settings_for
from tests.sinks.rsyslog import Rsyslog

pytestmark = [pytest.mark.anyio, pytest.mark.slow]

SEED = 20260504


@pytest.mark.requirement("E9", "E10")
@pytest.mark.parametrize("encrypted", [False, True], ids=["plain", "tls"])
async def test_relp_loses_nothing_to_a_receiver_that_writes_before_it_answers(
    tmp_path: Path, *, encrypted: bool
) -> None:
    receiver = Rsyslog(tmp_path)
    await receiver.start()
    settings = settings_for(receiver, TransportKind.RELP, encrypted=encrypted)
    found = await losses(receiver, settings, events=10_000, kills=4, chance=random.Random(SEED))
    assert (found.acknowledged, found.lost) == (10_000, 0)
    assert found.in_order


@pytest.mark.parametrize(
    ("transport", "encrypted"),
    [(TransportKind.TCP, False), (TransportKind.TLS, True), (TransportKind.UDP, False)],
    ids=["tcp", "tls", "udp"],
)
async def test_the_others_recover_and_lose_only_what_was_under_way(
    tmp_path: Path, transport: TransportKind, *, encrypted: bool
) -> None:
    receiver = Rsyslog(tmp_path, direct=False)
    await receiver.start()
    settings = settings_for(receiver, transport, encrypted=encrypted)
    found = await losses(receiver, settings, events=3_000, kills=1, chance=random.Random(SEED))
    assert found.acknowledged == 3_000
    assert found.lost < 1_500
