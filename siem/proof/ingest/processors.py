"""The processors that our pipelines use, each with the options that they set."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable, Mapping, Sequence
from ipaddress import ip_address
from typing import Any, cast

from siem.proof.ingest import painless
from siem.proof.ingest.document import Document, Failed, NotKnown

Options = Mapping[str, Any]
COMMON = frozenset(("if", "tag", "description", "ignore_failure"))


def run(pipeline: Mapping[str, Any], document: Document) -> None:
    """Run all processors over a document, as `_ingest/pipeline/_simulate` would; raises only `NotKnown` and `Failed`.

    `Failed` comes out where the pipeline itself does not deal with it.
    """
    for name in pipeline:
        if name not in {"description", "processors", "on_failure", "_meta", "version"}:
            raise NotKnown(f"{name} of a pipeline")
    try:
        _run_handled(pipeline["processors"], pipeline.get("on_failure", ()), document)
    except _Stopped as stopped:
        raise Failed(stopped.message) from stopped


def _run_handled(
    processors: Sequence[Mapping[str, Options]], handlers: Sequence[Mapping[str, Options]], document: Document
) -> None:
    try:
        _run_all(processors, document)
    except _Stopped as stopped:
        if not handlers:
            raise
        document.ingest |= {
            "on_failure_message": stopped.message,
            "on_failure_processor_type": stopped.kind,
            "on_failure_processor_tag": stopped.tag,
        }
        _run_all(handlers, document)


class _Stopped(Exception):
    def __init__(self, kind: str, tag: str, message: str) -> None:
        super().__init__(message)
        self.kind, self.tag, self.message = kind, tag, message


def _run_all(processors: Sequence[Mapping[str, Options]], document: Document) -> None:
    for processor in processors:
        ((kind, options),) = processor.items()
        if kind not in _KNOWN:
            raise NotKnown(f"processor {kind}")
        work, allowed = _KNOWN[kind]
        if unknown := options.keys() - allowed - COMMON:
            raise NotKnown(f"options {sorted(unknown)} of processor {kind}")
        try:
            if "if" not in options or painless.condition(options["if"], document.source):
                _worked(work, options, document)
        except Failed as problem:
            # Elasticsearch wraps a processor that has a condition, and tells of the wrapping.
            told = "conditional" if "if" in options else kind
            raise _Stopped(told, str(options.get("tag", "")), str(problem)) from problem


def _worked(work: Callable[[Options, Document], None], options: Options, document: Document) -> None:
    """A failure is ignored that is the processor's own; that of its condition never is."""
    try:
        work(options, document)
    except Failed:
        if options.get("ignore_failure") is not True:
            raise


def _set(options: Options, document: Document) -> None:
    if options.get("override") is False and document.get(options["field"]) is not None:
        return
    if ("value" in options) is ("copy_from" in options):
        raise NotKnown("set with both or none of value and copy_from")
    if "value" in options:
        document.put(options["field"], copy.deepcopy(document.filled(options["value"])))
        return
    value = document.get(options["copy_from"])
    if value is None:
        raise Failed(f"field [{options['copy_from']}] not present as part of path [{options['copy_from']}]")
    document.put(options["field"], copy.deepcopy(value))


def _rename(options: Options, document: Document) -> None:
    value = document.get(options["field"])
    if value is None:
        raise Failed(f"field [{options['field']}] doesn't exist")
    if document.get(options["target_field"]) is not None:
        raise Failed(f"field [{options['target_field']}] already exists")
    document.drop(options["field"])
    try:
        document.put(options["target_field"], value)
    except Failed:
        document.put(options["field"], value)
        raise


def _json(options: Options, document: Document) -> None:
    text = document.get(options["field"])
    if not isinstance(text, str):
        raise Failed(f"field [{options['field']}] is no text")
    try:
        value = json.loads(text, object_pairs_hook=_once, parse_constant=_no_number)
    except json.JSONDecodeError as problem:
        raise Failed(f"field [{options['field']}] holds no JSON") from problem
    document.put(options["target_field"], value)


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Elasticsearch refuses a key that stands twice, unless `allow_duplicate_keys` says otherwise."""
    found = dict(pairs)
    if len(found) != len(pairs):
        raise Failed("Duplicate field")
    return found


def _no_number(word: str) -> Any:
    raise Failed(f"{word} is no number of JSON")


def _fail(options: Options, document: Document) -> None:
    raise Failed(document.filled(options["message"]))


def _convert(options: Options, document: Document) -> None:
    if options["type"] != "ip":
        raise NotKnown(f"convert to {options['type']}")
    text = document.get(options["field"])
    if text is None:
        raise Failed(f"field [{options['field']}] is null or missing")
    if not _is_address(text):
        raise Failed(f"'{text}' is not a valid ipv4/ipv6 address")
    document.put(options["target_field"], text)


def _is_address(text: str) -> bool:
    """Elasticsearch takes no zone, and no leading zeros in IPv4, as Python."""
    try:
        ip_address(text)
    except ValueError:
        return False
    return "%" not in text


def _listed(value: Any) -> list[object]:
    if value is None:
        return []
    if not isinstance(value, list):
        return [value]
    return [*cast("list[object]", value)]


def _append(options: Options, document: Document) -> None:
    values = _listed(document.get(options["field"]))
    value = document.filled(options["value"])
    if isinstance(value, list):
        raise NotKnown("append of a list")
    if options.get("allow_duplicates") is not False or value not in values:
        values.append(value)
    document.put(options["field"], values)


def _remove(options: Options, document: Document) -> None:
    if not document.drop(options["field"]) and options.get("ignore_missing") is not True:
        raise Failed(f"field [{options['field']}] not present")


def _script(options: Options, document: Document) -> None:
    if options["lang"] != "painless":
        raise NotKnown(f"script in {options['lang']}")
    painless.run(options["source"], document.source)


def _geoip(options: Options, document: Document) -> None:
    """Without a database it finds no place; whether one knows the address is the reader's own."""
    if document.get(options["field"]) is None and options.get("ignore_missing") is not True:
        raise Failed(f"field [{options['field']}] is null, cannot extract geoip information.")


def _pipeline(options: Options, document: Document) -> None:  # noqa: ARG001 -- all have the same form
    if options.get("ignore_missing_pipeline") is not True:
        raise NotKnown("a pipeline that has to be there")


_KNOWN: Mapping[str, tuple[Callable[[Options, Document], None], frozenset[str]]] = {
    "set": (_set, frozenset(("field", "value", "copy_from", "override"))),
    "rename": (_rename, frozenset(("field", "target_field"))),
    "json": (_json, frozenset(("field", "target_field"))),
    "fail": (_fail, frozenset(("message",))),
    "convert": (_convert, frozenset(("field", "target_field", "type"))),
    "append": (_append, frozenset(("field", "value", "allow_duplicates"))),
    "remove": (_remove, frozenset(("field", "ignore_missing"))),
    "script": (_script, frozenset(("lang", "source"))),
    "geoip": (_geoip, frozenset(("field", "target_field", "ignore_missing"))),
    "pipeline": (_pipeline, frozenset(("name", "ignore_missing_pipeline"))),
}
