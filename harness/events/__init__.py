"""WHAT the application says: event types, their envelope, and the automaton that they follow."""
