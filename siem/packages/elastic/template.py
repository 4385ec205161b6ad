"""Index template and component template, as their APIs take them."""

from __future__ import annotations

from typing import Any

from siem.packages.elastic.fields import ECS_FIELDS, LONGEST, flat_fields, nested
from siem.packages.elastic.names import (
    COMPONENT,
    CUSTOM,
    DATASET,
    INDEX_PATTERN,
    PIPELINE,
    TEMPLATE_PRIORITY,
    VERSION,
)

FIELD_LIMIT = 1000
"""Ours, ECS', what an agent adds, and room: Elasticsearch's own default, written down."""

_DATA_STREAM = {
    "data_stream.type": {"type": "constant_keyword", "value": "logs"},
    "data_stream.dataset": {"type": "constant_keyword", "value": DATASET},
    "data_stream.namespace": {"type": "constant_keyword"},
}

_NEW_KEYS = [
    {
        "gatetrail_new_texts": {
            "match_mapping_type": "string",
            "path_match": "*",
            "path_unmatch": "*.*",
            "mapping": {"type": "keyword", "ignore_above": LONGEST},
        }
    },
    {
        "gatetrail_new_numbers": {
            "match_mapping_type": "double",
            "path_match": "*",
            "path_unmatch": "*.*",
            "mapping": {"type": "double"},
        }
    },
]
"""Keys that a later version of the event adds are flat; objects are an agent's, and ECS' own templates know them."""


def component_template() -> dict[str, Any]:
    """`PUT _component_template/...`: what the fields are. New keys are taken in: an audit log refuses nothing.

    The source is stored as it came. Where logs indices put it together from the fields (`synthetic`), times and lists
    may come back written otherwise, and nobody could reckon `event_hash` from them.
    """
    return {
        "template": {
            "settings": {
                "index": {
                    "default_pipeline": PIPELINE,
                    "mapping": {
                        "source": {"mode": "stored"},
                        "total_fields": {"limit": FIELD_LIMIT, "ignore_dynamic_beyond_limit": True},
                    },
                }
            },
            "mappings": {
                "dynamic": True,
                "date_detection": False,
                "numeric_detection": False,
                "dynamic_templates": _NEW_KEYS,
                "properties": nested({**flat_fields(), **ECS_FIELDS, **_DATA_STREAM}),
            },
        },
        "_meta": {"description": "Events of Gatetrail: their own keys, and ECS 9.4 beside them", "package": VERSION},
    }


def index_template() -> dict[str, Any]:
    """`PUT _index_template/...`: the data streams, and of which parts they are made; later parts win."""
    return {
        "index_patterns": [INDEX_PATTERN],
        "priority": TEMPLATE_PRIORITY,
        "data_stream": {},
        "composed_of": ["logs@mappings", "logs@settings", COMPONENT, "logs@custom", CUSTOM, "ecs@mappings"],
        "ignore_missing_component_templates": ["logs@custom", CUSTOM],
        "allow_auto_create": True,
        "_meta": {"description": "The audit record of Gatetrail", "package": VERSION},
    }
