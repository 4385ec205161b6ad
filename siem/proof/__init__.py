"""Runs queries over events and compares what they find with what was planted."""
