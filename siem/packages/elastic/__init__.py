"""What Elasticsearch and Kibana take in."""

from __future__ import annotations

from siem.files import Files
from siem.packages.elastic.dashboard import saved_objects
from siem.packages.elastic.detection import detection_rules
from siem.packages.elastic.integration import FOLDER, integration_files
from siem.packages.elastic.pipeline import pipeline
from siem.packages.elastic.template import component_template, index_template
from siem.packages.elastic.text import json_lines, json_text


def files() -> Files:
    """All that is generated of it."""
    made = {
        "component-template.json": json_text(component_template()),
        "index-template.json": json_text(index_template()),
        "ingest-pipeline.json": json_text(pipeline()),
        "kibana/gatetrail.ndjson": json_lines(saved_objects()),
        "kibana/detection-rules.ndjson": json_lines(detection_rules()),
        **{f"{FOLDER}/{name}": content for name, content in integration_files().items()},
    }
    return {f"elastic/{name}": content for name, content in made.items()}
