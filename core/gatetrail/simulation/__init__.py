"""Recorded decisions against another policy: what it would have said, as far as the record can tell."""
