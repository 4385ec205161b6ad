"""The kinds of servers that the gate can be put into."""
