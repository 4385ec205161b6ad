"""The policy file's `redaction`: what must not stand in the record as it came."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

from pydantic import ConfigDict, Field

from gatetrail.policy.part import Name, Pattern, PolicyPart
from gatetrail.words import Action, Sensitivity

MAX_PREVIEW_BYTES = 2_000
"""More has no room beside the usual other keys in a line of 4.5 kB."""


class Shape(StrEnum):
    """What secrets look like; each is looked for unless it is switched off."""

    AWS_KEY = "aws_key"
    """Ids of access keys, and secret keys that are named as such."""
    GITHUB_TOKEN = "github_token"  # noqa: S105 -- the name of a shape, like the next ones
    GITLAB_TOKEN = "gitlab_token"  # noqa: S105
    SLACK_TOKEN = "slack_token"  # noqa: S105
    """Tokens and the addresses of incoming webhooks."""
    STRIPE_KEY = "stripe_key"
    AI_KEY = "ai_key"
    """Keys that begin with `sk-`, as those of OpenAI and Anthropic do."""
    GOOGLE_KEY = "google_key"
    OTHER_TOKEN = "other_token"  # noqa: S105
    """Of npm, PyPI, Hugging Face, SendGrid, DigitalOcean, Shopify, Vault and Telegram, and Discord's webhooks."""
    JWT = "jwt"
    """JSON Web Tokens, signed and encrypted ones."""
    PRIVATE_KEY = "private_key"
    """PEM blocks, whole or cut."""
    AUTHORIZATION = "authorization"
    """What follows `Authorization:`, `Cookie:`, `Bearer` or `Basic`."""
    CONNECTION_STRING = "connection_string"
    """The password in `scheme://user:password@host`."""
    SECRET_PAIR = "secret_pair"  # noqa: S105
    """What follows `password=`, `token:` and their like."""
    SECRET_NAME = "secret_name"  # noqa: S105
    """The value of an argument that is named like a secret, at any depth."""
    PAYMENT_CARD = "payment_card"
    """Card numbers with a right check digit. Sensitive, not secret; masked all the same where the class is kept."""


class ClassActions(PolicyPart):
    """What is done to the keys and values of a class. What is public is always kept."""

    sensitive: Action = Action.KEEP
    """`user_id`, `session_id`, `claimed_user_id`, `changed_by`, `department`, `roles`, `src_ip`, `http_user_agent`,
    `working_directory` and the values in `arguments_preview`. Ids are hashed where the others are masked or dropped:
    else all users would be one."""
    secret: Action = Action.MASK
    """Never `keep`."""


class RedactionRule(PolicyPart):
    """What is found is treated as its class is, unless an action is named."""

    # `class` is the word for it, and none that Python lets a field have.
    model_config = ConfigDict(populate_by_name=True, serialize_by_alias=True)

    sensitivity: Sensitivity = Field(default=Sensitivity.SECRET, alias="class")
    """What is found; public and sensitive values are kept unless something else is said."""
    action: Action | None = None
    """None: what `classes` says."""


class ArgumentRule(RedactionRule):
    """One place in the arguments of calls. The first rule that fits a place decides, also over the built-in shapes."""

    path: Annotated[str, Field(min_length=1, max_length=256)]
    """Names joined by dots. `*` any one name, `**` any depth; after a name `[*]` any item, `[0]` one, `["a.b"]` a name
    with other characters. Upper and lower case are the same. All that is below the place is treated with it."""
    tools: tuple[Pattern, ...] = ()
    """None means all."""
    servers: tuple[Pattern, ...] = ()
    """None means all."""


class PatternRule(RedactionRule):
    """A shape of your own, looked for in every text from outside and in the arguments' preview."""

    id: Annotated[str, Field(pattern=r"^[A-Za-z0-9_.-]{1,48}$")]
    """Stands in the mark."""
    pattern: Annotated[str, Field(min_length=1, max_length=1_000)]
    """In RE2's syntax. A group named `secret`, as in `emp-(?P<secret>[0-9]{6})`, is treated alone; else the whole."""


class RedactionPolicy(PolicyPart):
    """Applied before an event is sealed, so nothing behind it ever sees what is redacted."""

    preview_bytes: Annotated[int, Field(ge=0, le=MAX_PREVIEW_BYTES)] = 0
    """The largest `arguments_preview` in a record; 0: none, and then nothing of the arguments but their digest. Less is
    shown where the other keys of an event are so long that its line would reach 4.5 kB, but never less than 128."""
    classes: ClassActions = ClassActions()
    arguments: tuple[ArgumentRule, ...] = ()
    patterns: tuple[PatternRule, ...] = ()
    secret_names: tuple[Name, ...] = ()
    """Names of arguments that hold secrets, besides the built-in ones; case and separators do not count."""
    shapes: dict[Shape, Action] = Field(default={})
    """For built-in shapes an action of their own; `keep` switches one off."""
    keyed_digest: bool = False
    """True: `arguments_digest` is an HMAC, so that nobody without the key can find few-valued arguments by trying."""
