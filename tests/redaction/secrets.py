"""Made-up secrets of every shape, each with the words that stand around it in real life."""

from __future__ import annotations

import string
from dataclasses import dataclass
from random import Random

from hypothesis import strategies as st

from gatetrail.policy.redaction import Shape

ALNUM = string.ascii_letters + string.digits
WORDY = ALNUM + "-_"


@dataclass(frozen=True, slots=True)
class Planted:
    """A text as it may come in, and the part of it that must not go out."""

    shape: Shape
    text: str
    secret: str

    def pieces(self) -> set[str]:
        """All parts of the secret that would tell something: twelve characters of it."""
        size = min(12, len(self.secret))
        return {self.secret[start : start + size] for start in range(len(self.secret) - size + 1)}


Strategy = st.SearchStrategy[Planted]


def _drawn(alphabet: str, seed: int, size: int) -> str:
    return "".join(Random(seed).choices(alphabet, k=size))


def random_text(alphabet: str, shortest: int, longest: int | None = None) -> st.SearchStrategy[str]:
    """Evenly drawn: a secret such as 000000 stands in the record by itself."""
    sizes = st.integers(shortest, longest or shortest)
    return st.builds(_drawn, st.just(alphabet), st.integers(0, 2**64), sizes)


def _prefixed(shape: Shape, prefix: str, rest: str) -> Planted:
    return Planted(shape, prefix + rest, rest)


def _framed(shape: Shape, frame: str, secret: str) -> Planted:
    return Planted(shape, frame.replace("%", secret), secret)


def _tokens(shape: Shape, prefixes: tuple[str, ...], alphabet: str, shortest: int, more: int = 40) -> Strategy:
    rest = random_text(alphabet, shortest, shortest + more)
    return st.builds(_prefixed, st.just(shape), st.sampled_from(prefixes), rest)


def _within(shape: Shape, frames: tuple[str, ...], alphabet: str, shortest: int, more: int = 20) -> Strategy:
    secret = random_text(alphabet, shortest, shortest + more)
    return st.builds(_framed, st.just(shape), st.sampled_from(frames), secret)


def _jwt(head: str, body: str, signature: str) -> Planted:
    return Planted(Shape.JWT, f"eyJ{head}.eyJ{body}.{signature}", body)


def _pem(kind: str, body: str, ended: bool) -> Planted:
    end = f"\n-----END {kind}PRIVATE KEY-----" if ended else ""
    return Planted(Shape.PRIVATE_KEY, f"-----BEGIN {kind}PRIVATE KEY-----\n{body}{end}", body)


def card(digits: str, separator: str) -> Planted:
    """With the right check digit, of 16 digits."""
    digits = digits[:15]
    total = 0
    for position, digit in enumerate(reversed(digits)):
        number = int(digit) * (2 if position % 2 == 0 else 1)
        total += number - 9 if number > 9 else number
    whole = f"{digits}{-total % 10}"
    text = separator.join(whole[start : start + 4] for start in range(0, len(whole), 4))
    return Planted(Shape.PAYMENT_CARD, text, text)


PLANTED: dict[Shape, Strategy] = {
    Shape.AWS_KEY: st.one_of(
        _tokens(Shape.AWS_KEY, ("AKIA", "ASIA"), string.ascii_uppercase + "234567", 16, 0),
        _within(Shape.AWS_KEY, ("aws_secret_access_key = %", "SecretAccessKey: '%'"), ALNUM + "/+", 40, 0),
    ),
    Shape.GITHUB_TOKEN: _tokens(Shape.GITHUB_TOKEN, ("ghp_", "gho_", "ghs_", "github_pat_"), ALNUM, 36),
    Shape.GITLAB_TOKEN: _tokens(Shape.GITLAB_TOKEN, ("glpat-", "gldt-", "glrt-"), WORDY, 20),
    Shape.SLACK_TOKEN: st.one_of(
        _tokens(Shape.SLACK_TOKEN, ("xoxb-", "xoxp-", "xapp-1-"), ALNUM + "-", 24),
        _tokens(Shape.SLACK_TOKEN, ("https://hooks.slack.com/services/",), ALNUM + "/", 24),
    ),
    Shape.STRIPE_KEY: _tokens(Shape.STRIPE_KEY, ("sk_live_", "rk_test_", "whsec_"), ALNUM, 24),
    Shape.AI_KEY: _tokens(Shape.AI_KEY, ("sk-", "sk-proj-", "sk-ant-api03-"), WORDY, 32),
    Shape.GOOGLE_KEY: st.one_of(
        _tokens(Shape.GOOGLE_KEY, ("ya29.", "GOCSPX-"), WORDY, 28),
        _tokens(Shape.GOOGLE_KEY, ("AIza",), WORDY, 35, 0),
    ),
    Shape.OTHER_TOKEN: _tokens(Shape.OTHER_TOKEN, ("npm_", "hf_", "hvs."), ALNUM, 36),
    Shape.JWT: st.builds(_jwt, random_text(WORDY, 10, 30), random_text(WORDY, 20, 60), random_text(WORDY, 20, 43)),
    Shape.PRIVATE_KEY: st.builds(
        _pem, st.sampled_from(("", "RSA ", "EC ", "OPENSSH ")), random_text(ALNUM + "+/", 64, 400), st.booleans()
    ),
    Shape.AUTHORIZATION: _within(
        Shape.AUTHORIZATION,
        ("Authorization: Basic %", "Bearer %", "bearer  %", "cookie: a=b; sid=%", "Proxy-Authorization=%"),
        ALNUM,
        16,
    ),
    Shape.CONNECTION_STRING: _within(
        Shape.CONNECTION_STRING,
        ("postgresql://app:%@db.example/app", "redis://:%@cache:6379/0", "mongodb+srv://u:%@c.example"),
        ALNUM + "!$%=",
        14,
    ),
    Shape.SECRET_PAIR: _within(
        Shape.SECRET_PAIR,
        ("password=%", "?api_key=%&page=2", "Token: %", 'secret="%"', "DB_PASSWORD='%'", "client_secret => %"),
        ALNUM + "!$/.",
        14,
    ),
    Shape.PAYMENT_CARD: st.builds(
        card,
        st.builds(str.__add__, st.sampled_from(("4", "51", "2221", "35", "6011")), random_text(string.digits, 15)),
        st.sampled_from(("", " ", "-")),
    ),
}
"""`secret_name` is none of them: it is planted by the name of an argument."""

any_secret: Strategy = st.one_of(*PLANTED.values())
