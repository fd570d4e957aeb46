"""WHAT is offered, and when."""
