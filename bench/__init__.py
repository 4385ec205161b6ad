"""Benchmarks: each figure stands beside its yardstick, measured in the same run."""
