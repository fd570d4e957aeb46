"""WHICH runs a command makes, and what it tells."""
