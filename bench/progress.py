"""What the bench is doing, on stderr."""

import sys


def note(text: str) -> None:
    """One line, at once."""
    sys.stderr.write(f"bench: {text}\n")
    sys.stderr.flush()
