"""Proxies that vouch for users: whether it is one, whether the request is its own, and whom it names."""
