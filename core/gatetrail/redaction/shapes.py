"""What common secrets look like. Each shape leans on a prefix or on the word before it, not on chance.

Where a group is named `secret`, only that part is the secret; the words around it tell what it is.
Shapes are from the vendors' own pages on the formats of their tokens, and from RFC 7468 (PEM), RFC 7519
(JWT), RFC 9110, section 11 (Authorization) and RFC 3986, section 3.2.1 (user information in a URI).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

from gatetrail.policy.redaction import Shape

MIN_CARD_DIGITS, MAX_CARD_DIGITS = 13, 19
"""ISO/IEC 7812-1: a card number has 13 to 19 digits in practice, the last of them a check digit."""

EXPRESSIONS: Mapping[Shape, str] = {
    Shape.AWS_KEY: (
        r"(?:AKIA|ASIA|ABIA|ACCA)[A-Z0-9]{16}"
        r"|(?i:secret[_.\- ]?(?:access[_.\- ]?)?key[\"'\\]*\s*(?:=>|[:=])\s*[\"'\\]*(?P<secret>[A-Za-z0-9/+]{40}))"
    ),
    Shape.GITHUB_TOKEN: r"gh[oprsu]_[A-Za-z0-9_]{20,}|github_pat_[A-Za-z0-9_]{20,}",
    Shape.GITLAB_TOKEN: r"gl[a-z]{2,5}-[A-Za-z0-9_.\-]{20,}",
    Shape.SLACK_TOKEN: (
        r"xox[a-z](?:\.xox[a-z])?-[A-Za-z0-9\-]{10,}|xapp-[A-Za-z0-9\-]{10,}"
        r"|hooks\.slack\.com/(?:services|workflows|triggers)/(?P<secret>[A-Za-z0-9/_+\-]{10,})"
    ),
    Shape.STRIPE_KEY: r"[rs]k_(?:live|test)_[A-Za-z0-9]{16,}|whsec_[A-Za-z0-9+/=]{16,}",
    Shape.AI_KEY: r"(?:\b|_)(?P<secret>sk-[A-Za-z0-9_\-]{20,})",
    Shape.GOOGLE_KEY: (
        r"AIza[A-Za-z0-9_\-]{35}|ya29\.[A-Za-z0-9_.\-]{20,}|GOCSPX-[A-Za-z0-9_\-]{20,}|1//0[A-Za-z0-9_\-]{20,}"
    ),
    Shape.OTHER_TOKEN: (
        r"npm_[A-Za-z0-9]{30,}|pypi-[A-Za-z0-9_\-]{50,}|hf_[A-Za-z0-9]{30,}"
        r"|SG\.[A-Za-z0-9_\-]{16,}\.[A-Za-z0-9_\-]{16,}|do[opr]_v1_[a-f0-9]{40,}|shp(?:at|ca|pa|ss)_[A-Fa-f0-9]{32}"
        r"|hv[bs]\.[A-Za-z0-9_\-]{20,}"
    ),
    Shape.JWT: r"eyJ[A-Za-z0-9_\-]{10,}(?:\.[A-Za-z0-9_\-]*){2,4}",
    Shape.PRIVATE_KEY: (
        r"(?s:-----BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----.*?"
        r"(?:-----END [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----|\z))"
    ),
    Shape.AUTHORIZATION: (
        r"(?i:\b(?:proxy-)?authorization[\"'\\]*\s*[:=]\s*(?P<secret>[^\r\n]+))"
        r"|(?i:\b(?:set-)?cookie[\"'\\]*\s*[:=]\s*(?P<secret2>[^\r\n]+))"
        r"|(?i:\b(?:bearer|basic)\s+(?P<secret3>[A-Za-z0-9._~+/=\-]{8,}))"
    ),
    Shape.CONNECTION_STRING: (
        r"[A-Za-z][A-Za-z0-9+.\-]*://[^\s:/?#@\"'<>]*:"
        r"(?:(?P<secret>[^\s/\"'<>]*[^\s/\"'<>0-9][^\s\"'<>]*)|(?P<secret2>[0-9]+))@"
    ),
    Shape.SECRET_PAIR: (
        r"(?i:(?:passw(?:or)?d|passphrase|pwd|secret|token|api[_\-]?key|(?:access|private|account|signing|encryption)[_\-]?key"
        r"|credentials?|signature|sig)[\"'\\]*\s*(?:=>|[:=])\s*"
        r"(?:\\*\"(?P<secret>[^\"\r\n]+)\"?|\\*'(?P<secret2>[^'\r\n]+)'?|(?P<secret3>[^\s,;&\"'\\]+)))"
    ),
    Shape.PAYMENT_CARD: (
        r"\b[2-6][0-9]{12,18}\b|\b[2-6][0-9]{3}(?:-[0-9]{4}){2}-[0-9]{1,7}\b"
        r"|\b[2-6][0-9]{3}(?: [0-9]{4}){2} [0-9]{1,7}\b|\b3[0-9]{3}[ \-][0-9]{6}[ \-][0-9]{4,5}\b"
    ),
}
"""In RE2's syntax. `secret_name` is none of them: it goes by the names of arguments."""


def has_check_digit(text: str) -> bool:
    """True for the digits of a card number: 13 to 19 of them, the last one right (Luhn, ISO/IEC 7812-1, annex B)."""
    digits = [int(digit) for digit in re.findall("[0-9]", text)]
    doubled = [sum(divmod(digit * 2, 10)) for digit in digits[-2::-2]]
    return MIN_CARD_DIGITS <= len(digits) <= MAX_CARD_DIGITS and (sum(digits[-1::-2]) + sum(doubled)) % 10 == 0


CHECKS: Mapping[Shape, Callable[[str], bool]] = {Shape.PAYMENT_CARD: has_check_digit}
"""What has to hold besides, where a look alone would find too much."""
