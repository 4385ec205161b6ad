"""Makes siem-samples/ from its sources (Sigma rules, native rules, scripted attacks) and proves it.

`python -m siem` writes all that is generated there; with `--check` it only says what would be different.
"""
