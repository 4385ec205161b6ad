"""Search languages that say yes or no to one event, evaluated over events; a window counts what matched."""
