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

_WORD = (
    r"(?:passw(?:or)?[dt]|passphrase|passcode|kennwort|pwd|secret|token|credentials?|signature|sig"
    r"|(?:api|access|private|account|signing|encryption|client|master|shared|auth|subscription|license)[_\-. ]?key"
    r"|\b(?:pin|otp|totp|cvv2?|cvc2?))(?:[_\-]?(?:key|value|hash|[0-9]{1,2}))?"
)
"""A word that says: what follows is secret."""

_OPENING = r"(?:[|>][+\-]?[ \t]*\r?\n\s*|-\s+|[\[{(]+\s*)?"
"""What may stand before a value: YAML's block and item, a list's beginning."""

_VALUE = (
    rf"{_OPENING}(?:(?:[a-z_.]{{1,24}}\(|[a-z]{{1,2}})?(?:"
    # Quoted, and within JSON within a text quoted again: the quote that ends it has as many backslashes.
    r"\"(?P<secret>(?:[^\"\\\r\n]|\\.)+)|'(?P<secret2>(?:[^'\\\r\n]|\\.|'')+)"
    r"|\\[\"'](?P<secret4>(?:[^\"'\\\r\n]|\\[^\"'\\]|\\{2,}[\"']?)+)"
    r"|\\{2,}[\"'](?P<secret5>(?:[^\"'\\\r\n]|\\{1,2}[^\"'\\]|\\{4,}[\"']?)+))"
    r"|(?P<secret3>[^\s,;&\"'\\]+))"
)

EXPRESSIONS: Mapping[Shape, str] = {
    Shape.AWS_KEY: (
        r"(?:AKIA|ASIA|ABIA|ACCA)[A-Z0-9]{16}"
        r"|(?i:secret[_.\- ]?(?:access[_.\- ]?)?key[\"'\\]*\s*(?:=>|[:=])\s*[\"'\\]*(?P<secret>[A-Za-z0-9/+]{40}))"
    ),
    Shape.GITHUB_TOKEN: r"(?:\b|_)(?P<secret>gh[oprsu]_[A-Za-z0-9_]{20,})|github_pat_[A-Za-z0-9_]{20,}",
    Shape.GITLAB_TOKEN: r"gl(?:pat|oas|dt|rtr?|cbt|ptt|ft|imt|agent|wt|soat|ffct)-[A-Za-z0-9_.\-]{20,}",
    Shape.SLACK_TOKEN: (
        r"xox[a-z](?:\.xox[a-z])?-[A-Za-z0-9\-]{10,}|xapp-[A-Za-z0-9\-]{10,}"
        r"|hooks\.slack\.com/(?:services|workflows|triggers)/(?P<secret>[A-Za-z0-9/_+\-]{10,})"
    ),
    Shape.STRIPE_KEY: r"(?:\b|_)(?P<secret>[rs]k_(?:live|test)_[A-Za-z0-9]{16,})|whsec_[A-Za-z0-9+/=]{16,}",
    Shape.AI_KEY: r"(?:\b|_)(?P<secret>sk-[A-Za-z0-9_\-]{20,})",
    Shape.GOOGLE_KEY: (
        r"AIza[A-Za-z0-9_\-]{35}|ya29\.[A-Za-z0-9_.\-]{20,}|GOCSPX-[A-Za-z0-9_\-]{20,}|1//0[A-Za-z0-9_\-]{20,}"
    ),
    Shape.OTHER_TOKEN: (
        r"npm_[A-Za-z0-9]{30,}|pypi-[A-Za-z0-9_\-]{50,}|hf_[A-Za-z0-9]{30,}"
        r"|SG\.[A-Za-z0-9_\-]{16,}\.[A-Za-z0-9_\-]{16,}|do[opr]_v1_[a-f0-9]{40,}|shp(?:at|ca|pa|ss)_[A-Fa-f0-9]{32}"
        r"|hv[bs]\.[A-Za-z0-9_\-]{20,}|\b[0-9]{8,10}:AA[A-Za-z0-9_\-]{33}"
        r"|discord(?:app)?\.com/api/webhooks/[0-9]+/(?P<secret>[A-Za-z0-9_\-]{20,})"
    ),
    Shape.JWT: r"eyJ[A-Za-z0-9_\-]{10,}(?:\.[A-Za-z0-9_\-]*){2,4}",
    Shape.PRIVATE_KEY: (
        r"(?s:-----BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----.*?"
        r"(?:-----END [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----|\z))"
    ),
    Shape.AUTHORIZATION: (
        r"(?i:\b(?:proxy-)?authorization[\"'\\]*\s*[:=]\s*(?P<secret>[^\r\n]+))"
        r"|(?i:\b(?:set-)?cookie[\"'\\]*\s*[:=]\s*(?P<secret2>[^\r\n]+))"
        # Words of prose have no capital and no digit behind their first letter.
        r"|(?i:\b(?:bearer|basic)(?:\s|%20)+(?P<secret3>(?-i:[A-Za-z0-9._~+/=%\-]{24,}"
        r"|[A-Za-z0-9._~+/=%\-][a-z._~+/=%\-]*[A-Z0-9][A-Za-z0-9._~+/=%\-]*)))"
        r"|(?i:\bcurl\b[^\r\n|;]{0,300}?\s(?:-u|--user)[\s=]*[\"']?[^\s:\"']+:(?P<secret4>[^\s\"']+))"
    ),
    Shape.CONNECTION_STRING: (
        # Of these, a port and a path with an @ in it are rarer than a password with a slash.
        r"(?i:\b(?:postgres(?:ql)?|mysql|mariadb|mongodb|rediss?|amqps?|mssql|sqlserver|oracle|clickhouse|kafka|nats"
        r"|ldaps?|smtps?|imaps?|ftps?|sftp)(?:\+[a-z0-9]+)*://[^\s:/?#\"<>]*:(?P<secret3>[^\s\"]+)@)"
        r"|[A-Za-z][A-Za-z0-9+.\-]*://[^\s:/?#@\"'<>]*:"
        # Up to five digits and a slash are a port.
        r"(?:(?P<secret>[^\s/\"'<>]*[^\s/\"'<>0-9][^\s\"'<>]*|[0-9]{6,}/[^\s\"'<>]*)|(?P<secret2>[0-9]+))@"
    ),
    Shape.SECRET_PAIR: (
        rf"(?i:{_WORD}(?:[\"'\\]*\s*(?:=>|[:=]|%3d|%3a)(?:\s|%20)*){_VALUE}"
        rf"|(?:^|[\s\"'])--?[a-z0-9_\-]{{0,30}}{_WORD}[\"']?\s+(?P<secret6>[^\s\"'\-][^\s\"']*|\"[^\"]+|'[^']+)"
        rf"|<[a-z0-9_:.\-]{{0,30}}{_WORD}(?:\s[^<>]{{0,200}})?>\s*(?:<!\[CDATA\[)?(?P<secret7>[^<]+)</"
        r"|\b(?:identified\s+(?:with\s+\S+\s+)?by|password)\s+'(?P<secret8>(?:[^']|'')+))"
    ),
    Shape.PAYMENT_CARD: (
        # By the beginnings and lengths that are in use: a long number of something else rarely fits.
        r"\b(?:4[0-9]{15}(?:[0-9]{3})?|5[0-9]{15}|2[2-7][0-9]{14}|3[47][0-9]{13}|35[0-9]{14}|3[068][0-9]{12}"
        r"|6[0-9]{15,18})\b"
        r"|\b[2-6][0-9]{3}(?:(?:-[0-9]{4}){3}(?:-[0-9]{1,3})?|(?: [0-9]{4}){3}(?: [0-9]{1,3})?|(?:\.[0-9]{4}){3})\b"
        r"|\b3[0-9]{3}[ \-][0-9]{6}[ \-][0-9]{4,5}\b"
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
