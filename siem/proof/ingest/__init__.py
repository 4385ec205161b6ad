"""Runs Elasticsearch's ingest pipelines, as far as ours use them.

This is our reading of Elasticsearch's reference ("Ingest processor reference", "Painless specification"), not
Elasticsearch: it shows that a pipeline means what we think, and raises `NotKnown` for everything that it has no
reading of.
"""
