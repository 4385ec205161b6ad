"""An event in OCSF 1.9.0: what it is in 1.8.0, with these differences and no other.

- `metadata.version`, and the profiles of what follows.
- `attestation_list` holds the chain's id and the event's hash, which leave `unmapped`. The fingerprint is that of
  the journal's line, not of this object, and says so: whoever verifies asks the journal. `prev_hash` stays under
  `unmapped`: `prev_event` demands the id of the event before, which one event alone does not tell.
- `ai_agent` for a caller of type `a2a` with a `client_id`: its `instance_uid` is the `context_id`, which leaves
  `unmapped`. `actor.app_uid` stays.
- `updated_entity` in place of the deprecated `entity_result`.

There is no independent validator for 1.9.0 yet, so 1.8.0 is what `ocsf` means.
"""

from __future__ import annotations

from typing import cast

from gatetrail.events.journal import Entry
from gatetrail.formats.ocsf import ocsf_object
from gatetrail.formats.ocsf_classes import API_ACTIVITY
from gatetrail.formats.ocsf_parts import Object
from gatetrail.formats.texts import json_line

OCSF_VERSION = "1.9.0"
SERIALIZATION = "gatetrail journal line (RFC 8785)"
_OTHER = 99


def ocsf_1_9(entry: Entry) -> bytes:
    """The event as one line of JSON. Raises ValueError for what is no event of ours."""
    return json_line(ocsf_1_9_object(entry.line))


def ocsf_1_9_object(line: bytes) -> Object:
    """The OCSF 1.9.0 event of a native line."""
    told = ocsf_object(line)
    metadata = _object(told, "metadata")
    metadata["version"] = OCSF_VERSION
    unmapped = _object(told, "unmapped")
    profiles = cast("list[str]", metadata["profiles"])
    if _put_attestation(told, unmapped):
        profiles.append("record_integrity")
    if _put_agent(told, unmapped):
        profiles.append("ai_operation")
    if "entity_result" in told:
        told["updated_entity"] = told.pop("entity_result")
    if not unmapped:
        told.pop("unmapped", None)
    return told


def _object(told: Object, name: str) -> Object:
    return cast("Object", told.get(name, {}))


def _put_attestation(told: Object, unmapped: Object) -> bool:
    chain, event_hash = unmapped.get("chain_id"), unmapped.get("event_hash")
    if chain is None or event_hash is None:
        return False
    told["attestation_list"] = [{"chain_uid": unmapped.pop("chain_id"), "fingerprint": _fingerprint(event_hash)}]
    del unmapped["event_hash"]
    return True


def _fingerprint(value: object) -> Object:
    return {
        "algorithm_id": 3,
        "algorithm": "SHA-256",
        "encoding_id": 1,
        "encoding": "Hex",
        "serialization_id": _OTHER,
        "serialization": SERIALIZATION,
        "value": value,
    }


def _put_agent(told: Object, unmapped: Object) -> bool:
    client = _object(told, "actor").get("app_uid")
    if told["class_uid"] != API_ACTIVITY.uid or unmapped.get("caller_type") != "a2a" or client is None:
        return False
    agent: Object = {"uid": client}
    if "context_id" in unmapped:
        agent["instance_uid"] = unmapped.pop("context_id")
    told["ai_agent"] = agent
    return True
