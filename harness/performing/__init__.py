"""WHO does what a story says: its steps performed on a stack, one function a step, chosen by `interpreter`."""
