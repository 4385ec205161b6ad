"""The description as a page: plain HTML, made from `/openapi.json`, with nothing from elsewhere and no script."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterator, Mapping
from html import escape
from typing import Any

Node = Mapping[str, Any]

STYLE = """
:root { color-scheme: light dark; }
body { font: 1rem/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem; }
h2 { margin-top: 3rem; } code, pre { font-family: ui-monospace, monospace; font-size: .9em; }
pre { overflow-x: auto; padding: .75rem; border: 1px solid #8886; border-radius: .25rem; white-space: pre-wrap; }
table { border-collapse: collapse; width: 100%; }
th, td { text-align: left; vertical-align: top; padding: .3rem .6rem .3rem 0; }
tr + tr { border-top: 1px solid #8884; }
"""

_DIGEST = base64.b64encode(hashlib.sha256(STYLE.encode()).digest()).decode()
CONTENT_SECURITY_POLICY = (
    f"default-src 'none'; style-src 'sha256-{_DIGEST}'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)


def page_of(description: Node) -> str:
    """The whole page."""
    info = description["info"]
    title = f"{escape(info['title'])} {escape(info['version'])}"
    operations = [
        (method, path, operation)
        for path, methods in description["paths"].items()
        for method, operation in methods.items()
    ]
    links = "".join(
        f'<li><a href="#{_anchor(m, p)}"><code>{m.upper()} {escape(p)}</code></a></li>' for m, p, _ in operations
    )
    body = "".join(_operation(method, path, operation) for method, path, operation in operations)
    return (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{title}: HTTP API</title>'
        f'<meta name="viewport" content="width=device-width, initial-scale=1"><style>{STYLE}</style></head><body><main>'
        f"<h1>{title}: HTTP API</h1>{_paragraphs(info.get('description', ''))}"
        f'<p>For programs: <a href="openapi.json">openapi.json</a></p><ul>{links}</ul>{body}</main></body></html>'
    )


def _operation(method: str, path: str, operation: Node) -> str:
    parts = [
        f'<h2 id="{_anchor(method, path)}">{escape(operation.get("summary", ""))}</h2>',
        f"<pre>{escape(_command(path, secured='security' in operation))}</pre>",
        _paragraphs(operation.get("description", "")),
        _table(("Parameter", "", ""), (_parameter(one) for one in operation.get("parameters", ()))),
        _table(("Answer", "", ""), (_answer(status, one) for status, one in operation["responses"].items())),
    ]
    return "".join(parts)


def _command(path: str, *, secured: bool) -> str:
    token = ' -H "Authorization: Bearer $TOKEN"' if secured else ""
    return f'curl -N{token} "$URL{path}"'


def _parameter(parameter: Node) -> tuple[str, str, str]:
    schema = parameter["schema"]
    facts = [_kind(schema)]
    if schema.get("default") is not None:
        facts.append(f"default {schema['default']}")
    if parameter["in"] == "path":
        facts.append("in the path")
    return (
        f"<code>{escape(parameter['name'])}</code>",
        escape(", ".join(facts)),
        _sentences(parameter.get("description", "")),
    )


def _kind(schema: Node) -> str:
    kinds = [one for one in schema.get("anyOf", [schema]) if one.get("type") != "null"]
    return " or ".join(_single(one) for one in kinds)


def _single(schema: Node) -> str:
    if "enum" in schema:
        return " | ".join(map(str, schema["enum"]))
    name = schema.get("$ref", "").rpartition("/")[2] or schema.get("type", "anything")
    low, high = schema.get("minimum"), schema.get("maximum")
    return name if low is None or high is None else f"{name} {low} to {high}"


def _answer(status: str, answer: Node) -> tuple[str, str, str]:
    kinds = ", ".join(answer.get("content", {}))
    return f"<code>{escape(status)}</code>", escape(kinds), _sentences(answer["description"])


def _table(headings: tuple[str, ...], rows: Iterator[tuple[str, str, str]]) -> str:
    body = "".join(f"<tr>{''.join(f'<td>{cell}</td>' for cell in row)}</tr>" for row in rows)
    head = "".join(f"<th>{heading}</th>" for heading in headings)
    return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>" if body else ""


def _paragraphs(text: str) -> str:
    return "".join(f"<p>{_sentences(part)}</p>" for part in text.split("\n\n") if part.strip())


def _sentences(text: str) -> str:
    """Text with what stands between backticks as code."""
    pieces = escape(" ".join(text.split())).split("`")
    return "".join(f"<code>{piece}</code>" if index % 2 else piece for index, piece in enumerate(pieces))


def _anchor(method: str, path: str) -> str:
    return escape(f"{method}{path}".replace("/", "-").replace("{", "").replace("}", ""))
