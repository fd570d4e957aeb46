"""HOW it is told."""
