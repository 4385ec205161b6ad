"""Those who keep buckets by the formula, asked with a time of the test's own."""

from __future__ import annotations

import struct
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from typing import Any, Protocol, cast

import psycopg
import valkey

from gatetrail.gates.bucket import Bucket, Buckets
from gatetrail.limits import Limit, Taking
from gatetrail_sinks.postgres.queries import query
from gatetrail_sinks.postgres.rate_question import digest
from gatetrail_sinks.postgres.rate_question import question as sql_question
from gatetrail_sinks.valkey.connection import SCRIPT
from gatetrail_sinks.valkey.question import bucket_key
from gatetrail_sinks.valkey.question import question as lua_question


class Keeper(Protocol):
    def take(self, calls: Sequence[Sequence[Taking]], at_s: float) -> list[int]: ...

    def level(self, key: str, at_s: float) -> float | None:
        """What is in, to the last bit; None: not known, and so full."""
        ...

    def forget(self) -> None: ...


class InMemory:
    def __init__(self) -> None:
        self._buckets = Buckets()

    def take(self, calls: Sequence[Sequence[Taking]], at_s: float) -> list[int]:
        return [self._buckets.take_all(wanted, 1000, at_s) for wanted in calls]

    def level(self, key: str, at_s: float) -> float | None:
        bucket = cast("dict[str, Bucket]", vars(self._buckets)["_buckets"]).get(key)
        return bucket.level(at_s) if bucket else None

    def forget(self) -> None:
        self._buckets = Buckets()


class InSql:
    def __init__(self, connection: psycopg.Connection) -> None:
        self._connection = connection

    def take(self, calls: Sequence[Sequence[Taking]], at_s: float) -> list[int]:
        row = self._connection.execute(query("rate_take"), sql_question(calls, at_s)).fetchone()
        assert row is not None
        waits: list[int] = row[0]
        return waits

    def level(self, key: str, at_s: float) -> float | None:
        found = self._connection.execute(
            "SELECT tokens, then_s, rate_per_s, capacity FROM rate_buckets WHERE key = %s", (digest(key),)
        ).fetchone()
        return _level(found, at_s) if found else None

    def forget(self) -> None:
        self._connection.execute("TRUNCATE rate_buckets")


class InLua:
    def __init__(self, client: Any) -> None:
        self._client = client

    def take(self, calls: Sequence[Sequence[Taking]], at_s: float) -> list[int]:
        keys, arguments = lua_question(calls, at_s)
        waits: list[int] = self._client.eval(SCRIPT, len(keys), *keys, *arguments)
        return waits

    def level(self, key: str, at_s: float) -> float | None:
        stored = self._client.get(bucket_key(key))
        return None if stored is None else _level(struct.unpack("<dddd", stored), at_s)

    def forget(self) -> None:
        self._client.flushdb()


def _level(row: tuple[Any, ...], at_s: float) -> float:
    tokens, then_s, rate_per_s, capacity = row
    return Bucket(tokens, then_s, Limit(rate_per_s, capacity)).level(at_s)


@contextmanager
def in_sql(dsn: str) -> Generator[InSql]:
    with psycopg.connect(dsn, autocommit=True) as connection:
        yield InSql(connection)


@contextmanager
def in_lua(port: int) -> Generator[InLua]:
    client: Any = valkey.Valkey(host="127.0.0.1", port=port)
    try:
        yield InLua(client)
    finally:
        client.close()
