"""The policy while it is in force: the file is watched, read anew, checked, and put in force whole or not at all."""
