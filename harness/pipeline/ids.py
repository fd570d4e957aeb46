"""Ids, drawn from a generator that the caller seeds: the same seed gives the same ids."""

from random import Random
from uuid import UUID


def new_id(rng: Random) -> UUID:
    """A random UUID (version 4)."""
    return UUID(int=rng.getrandbits(128), version=4)
