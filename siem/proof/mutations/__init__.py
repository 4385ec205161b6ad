"""Changes of planted events and of rules; each must change what is found, else the proof would prove nothing."""
