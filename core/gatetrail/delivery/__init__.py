"""Events on their way out: the contract of sinks, and the followers that drive them from the journal."""
