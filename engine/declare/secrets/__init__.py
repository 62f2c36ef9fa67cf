"""Secrets: where they come from, how they look in output, the key of their fingerprints."""
