"""HOW a page reads."""
