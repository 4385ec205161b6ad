"""The outputs: one file or folder each, and none knows another."""
