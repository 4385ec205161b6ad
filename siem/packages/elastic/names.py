"""What things of ours are called in an Elastic Stack."""

from __future__ import annotations

VERSION = "1.0.0"
"""Of the integration package; raise it when one of its files changes after a release."""
PACKAGE = "mcp_governance"
STREAM = "audit"
DATASET = f"{PACKAGE}.{STREAM}"
"""Fleet makes a dataset of the package's name and the data stream's."""
TEMPLATE = f"logs-{DATASET}"
"""Fleet's own name for the index template, so that installing the package later replaces ours."""
INDEX_PATTERN = f"{TEMPLATE}-*"
COMPONENT = f"{TEMPLATE}@package"
CUSTOM = f"{TEMPLATE}@custom"
"""Component template and ingest pipeline that belong to whoever runs the cluster; neither has to be there."""
PIPELINE = f"{TEMPLATE}@default-pipeline"
TEMPLATE_PRIORITY = 200
"""Fleet's; the stack's own `logs-*-*` has 100 (`logs@template.json` of Elasticsearch)."""
LEAST_STACK = "9.0.0"
"""What the page names; older ones were not looked at."""
