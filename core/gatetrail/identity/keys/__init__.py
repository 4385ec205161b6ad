"""Public keys of issuers: where they are, what of them can be used, and how they stay fresh."""
