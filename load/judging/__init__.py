"""WHAT a run came to."""
