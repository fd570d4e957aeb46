"""WHO plays a run, in one process or in several."""
