"""Names of arguments that hold secrets, whatever their value looks like."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from functools import lru_cache

from gatetrail.policy.tricks import without_tricks

MAX_REMEMBERED = 4_096
MAX_NAME_CHARACTERS = 128
"""Of a longer name only the beginning and the end are looked at."""

EXACT = frozenset(
    {
        *("auth", "sig", "signature", "sid", "pin", "pincode", "otp", "totp", "mfacode", "cvv", "cvc", "cvv2", "cvc2"),
        *(
            "securitycode",
            "dsn",
            "connectionstring",
            "jwt",
            "sessionid",
            "bearer",
            "pat",
            "passcode",
            "tokens",
            "pass",
            "pw",
            "xauth",
            "authheader",
            "mnemonic",
            "seedphrase",
            "csrf",
            "xsrf",
            "keyfile",
        ),
    }
)
WITHIN = re.compile(
    "passw(or)?[dt]|passphrase|kennwort|pwd|secret|sshkey|(onetime|verification|recovery|backup)codes?$"
    "|(api|private|access|account|signing|encryption|client|master|shared|auth|subscription|license|hmac|webhook)key"
    "|authorization|cookie|credential|sessionkey|accesstoken|refreshtoken|idtoken|authtoken|bearertoken|apitoken"
)
ENDS = ("token",)

NameTest = Callable[[str], bool]


def folded(name: str) -> str:
    """Lower case, plain letters and digits alone: `X-Api_Key` is `xapikey`."""
    plain = name if name.isascii() else without_tricks(name)
    return "".join(character for character in plain.casefold() if character.isalnum())


def secret_names(further: Iterable[str]) -> NameTest:
    """Tells whether an argument is named like a secret. Case and separators do not count."""
    exact = EXACT | {folded(name) for name in further}

    @lru_cache(MAX_REMEMBERED)
    def is_secret(name: str) -> bool:
        plain = folded(name)
        return plain in exact or plain.rstrip("0123456789").endswith(ENDS) or WITHIN.search(plain) is not None

    def test(name: str) -> bool:
        if len(name) > MAX_NAME_CHARACTERS:
            name = name[: MAX_NAME_CHARACTERS // 2] + name[-MAX_NAME_CHARACTERS // 2 :]
        return is_secret(name)

    return test


def no_secret_names(_name: str) -> bool:
    """Where the shape is switched off."""
    return False
