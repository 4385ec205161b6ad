"""From a rule to a query, a file for each language."""
