"""A PostgreSQL server of our own: made at the first start, shared, never left behind."""

from gatetrail_sinks.postgres.embedded.folder import default_data_dir
from gatetrail_sinks.postgres.embedded.server import EmbeddedPostgres

__all__ = ["EmbeddedPostgres", "default_data_dir"]
