"""How we prove who we are to a server, and how it proves itself to us."""

from __future__ import annotations

import ssl
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Self

from pydantic import BaseModel, ConfigDict, Field, SecretStr, model_validator


class ClientTls(BaseModel):
    """TLS 1.2 or newer. Files are read at each connect, so they can be exchanged while we run."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    ca_file: Path | None = Field(default=None, examples=["/etc/gatetrail/receiver-ca.pem"])
    """PEM certificates of the authorities that are believed, and no others; without it those of the system."""
    certificate_file: Path | None = None
    """PEM with our own certificate and its chain, for a server that asks for one."""
    key_file: Path | None = None
    """PEM with its key; without it the key is in `certificate_file`."""
    key_password: SecretStr | None = None
    key_password_file: Path | None = None
    """A file that holds the key's password, instead of `key_password`; line breaks at its end do not count."""
    server_name: str | None = Field(default=None, min_length=1)
    """The name that the server's certificate has to carry; without it the name that we connect to."""
    verify: bool = True
    """False: whoever answers is believed. Then TLS hides events from those who only listen, and from nobody else."""

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        if self.key_password is not None and self.key_password_file is not None:
            raise ValueError("give either key_password or key_password_file")
        if self.certificate_file is None and (self.key_file or self.key_password or self.key_password_file):
            raise ValueError("a key needs its certificate_file")
        if self.ca_file is not None and not self.verify:
            raise ValueError("ca_file is of no use with verify: false; leave one of them out")
        return self


def client_context(tls: ClientTls) -> ssl.SSLContext:
    """What these settings come to. Raises OSError, with the file's name, for a file that cannot be used."""
    with _named("ca_file", tls.ca_file):
        context = ssl.create_default_context(cafile=tls.ca_file)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    if not tls.verify:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    if tls.certificate_file is not None:
        password = _password(tls)
        with _named("certificate_file", tls.certificate_file, tls.key_file):
            # Without a password OpenSSL would ask at the terminal for the one that the key has.
            context.load_cert_chain(tls.certificate_file, tls.key_file, lambda: password)
    return context


def _password(tls: ClientTls) -> str:
    if tls.key_password_file is not None:
        with _named("key_password_file", tls.key_password_file):
            return tls.key_password_file.read_text(encoding="utf-8").rstrip("\r\n")
    return tls.key_password.get_secret_value() if tls.key_password is not None else ""


@contextmanager
def _named(setting: str, *files: Path | None) -> Generator[None]:
    """OpenSSL does not say which file it could not use."""
    try:
        yield
    except UnicodeDecodeError:
        raise OSError(f"{setting} {_names(files)} cannot be used: it is not UTF-8") from None
    except (OSError, ValueError) as problem:
        reason = problem.strerror if isinstance(problem, OSError) else None
        raise OSError(f"{setting} {_names(files)} cannot be used: {reason or problem}") from problem


def _names(files: Sequence[Path | None]) -> str:
    return " with key_file ".join(str(file) for file in files if file is not None) or "of the system"
