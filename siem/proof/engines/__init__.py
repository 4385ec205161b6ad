"""Engines that run whole queries, windows and sequences included: PostgreSQL, SQLite, EQL."""
