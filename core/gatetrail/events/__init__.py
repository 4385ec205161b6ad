"""What happened: typed events, their one JSON form, the hash chain, the journal and those who read it."""
