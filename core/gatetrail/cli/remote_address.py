"""Which service is asked, and with which token."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from pydantic import SecretStr

from gatetrail.cli.talk import warn
from gatetrail.cli.token_text import token_text
from gatetrail.errors import WrongUse


@dataclass(frozen=True, slots=True)
class Address:
    """A service as somebody named it, without a slash at its end."""

    base: str
    token: SecretStr | None


def address_of(url: str, token_file: Path | None) -> Address:
    """The service at a URL, to be asked with the token of a file, else of GATETRAIL_TOKEN. Raises `WrongUse`.

    Warns of a token that would go to another machine in the clear.
    """
    token = token_text(token_file)
    address = Address(_base_of(url), None if token is None else SecretStr(token))
    if address.token is not None and _is_overheard(address.base):
        warn(f"{address.base}: the token goes over the network unencrypted; use https where others can listen")
    return address


def _base_of(url: str) -> str:
    import httpx2

    if "@" in url:
        raise WrongUse("--url: a name or password in it is not used; the token belongs in GATETRAIL_TOKEN")
    wrong = f"--url: {url!r} is no address of a service; expected for example http://127.0.0.1:8080"
    try:
        found = httpx2.URL(url.strip())
    except httpx2.InvalidURL as problem:
        raise WrongUse(f"{wrong} ({problem})") from None
    if found.scheme not in ("http", "https") or not found.host or found.query or found.fragment:
        raise WrongUse(wrong)
    return str(found).rstrip("/")


def _is_overheard(base: str) -> bool:
    from httpx2 import URL

    from gatetrail.service.hosts import is_loopback

    found = URL(base)
    return found.scheme == "http" and not is_loopback(found.host)
