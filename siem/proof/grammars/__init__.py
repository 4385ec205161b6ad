"""Other people's grammars, which queries are parsed with that nothing here can run."""
