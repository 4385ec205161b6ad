"""`python -m gatetrail` is the command `gatetrail`."""

from gatetrail.cli import main

main()
