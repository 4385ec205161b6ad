"""PostgreSQL: the store of record, and the server that comes with the package."""
