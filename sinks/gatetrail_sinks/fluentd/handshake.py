"""HELO, PING and PONG: how both sides prove that they have the shared key, and we a user's password.

Forward Protocol Specification v1.5, "Handshake messages". Digests are SHA-512 in hexadecimal. All six fields of
PING are texts, the salt too, since Fluent Bit takes nothing else.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from dataclasses import dataclass, field
from pathlib import Path
from typing import cast

from pydantic import SecretStr

from gatetrail_sinks.fluentd.settings import FluentdSettings
from gatetrail_sinks.fluentd.untyped import Packer
from gatetrail_sinks.fluentd.wire import Answer, Deadline, Wire

_SALT_BYTES = 16


@dataclass(frozen=True, slots=True)
class Credentials:
    """What we prove. `user` is empty without one."""

    self_hostname: str
    shared_key: bytes = field(repr=False)
    user: str
    password: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Helo:
    """What the receiver says first."""

    nonce: bytes
    user_salt: bytes
    """Empty when no user is asked for."""
    keepalive: bool
    """False: the receiver closes after each batch."""


def credentials(settings: FluentdSettings) -> Credentials | None:
    """Those of the settings, files read now; None when there is no shared key. Raises OSError."""
    shared_key = _secret(settings.shared_key, settings.shared_key_file)
    if shared_key is None:
        return None
    password = _secret(settings.password, settings.password_file)
    return Credentials(settings.self_hostname, shared_key, settings.user or "", password or b"")


def shake_hands(wire: Wire, known: Credentials, deadline: Deadline) -> Helo:
    """Be let in, by somebody who has the shared key as well. Raises OSError."""
    try:
        helo = parse_helo(wire.receive(deadline))
    except TimeoutError as problem:
        raise ConnectionError("did not begin with HELO: does it have a shared key?") from problem
    salt = secrets.token_hex(_SALT_BYTES)
    wire.send(ping(helo, known, salt), deadline)
    try:
        answer = wire.receive(deadline)
    except ConnectionError as problem:  # Fluent Bit's way to refuse
        raise ConnectionError(f"{problem}: is it the same shared key, user and password there?") from problem
    check_pong(answer, helo, known, salt)
    return helo


def parse_helo(message: Answer) -> Helo:
    """Read HELO. Options that it leaves out have the specification's defaults."""
    if isinstance(message, list) and message[:1] == [b"HELO"] and isinstance(message[-1], dict):
        options = cast("dict[object, object]", message[-1])
        nonce, user_salt = options.get(b"nonce"), options.get(b"auth") or b""
        if isinstance(nonce, bytes) and isinstance(user_salt, bytes):
            return Helo(nonce, user_salt, keepalive=options.get(b"keepalive") is not False)
    raise ConnectionError("did not begin with a HELO that can be read: does it have a shared key?")


def ping(helo: Helo, known: Credentials, salt: str) -> bytes:
    """The answer to HELO."""
    user = password_digest = ""
    if helo.user_salt:
        if not known.user:
            raise ConnectionError("asks for a user, and none is configured")
        user = known.user
        password_digest = _digest(helo.user_salt, user.encode(), known.password)
    return Packer().pack(
        (
            "PING",
            known.self_hostname,
            salt,
            _digest(salt.encode(), known.self_hostname.encode(), helo.nonce, known.shared_key),
            user,
            password_digest,
        )
    )


def check_pong(message: Answer, helo: Helo, known: Credentials, salt: str) -> None:
    """Raise ConnectionError unless we are let in, and by one who has the key."""
    match message:
        case [b"PONG", True, _, bytes(hostname), bytes(digest)]:
            pass
        case [b"PONG", False, bytes(reason), *_]:
            raise ConnectionError(f"lets us not in: {reason.decode(errors='replace') or 'no reason given'}")
        case _:
            raise ConnectionError("did not answer with PONG")
    if hostname == known.self_hostname.encode():
        raise ConnectionError(f"calls itself {known.self_hostname}, as we do: change self_hostname on one side")
    expected = _digest(salt.encode(), hostname, helo.nonce, known.shared_key)
    if not hmac.compare_digest(digest, expected.encode()):
        raise ConnectionError("does not have the shared key")


def _digest(*parts: bytes) -> str:
    return hashlib.sha512(b"".join(parts)).hexdigest()


def _secret(value: SecretStr | None, file: Path | None) -> bytes | None:
    if file is None:
        return None if value is None else value.get_secret_value().encode()
    content = file.read_bytes().rstrip(b"\r\n")
    if not content:
        raise OSError(f"{file} is empty, and should hold a secret")
    return content
