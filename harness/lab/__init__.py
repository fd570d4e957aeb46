"""THE LABORATORY: every debounce policy on the same input, in simulated time."""
