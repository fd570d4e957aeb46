"""A place in the WAL."""

from typing import Self


class Lsn(int):
    """A log sequence number: ordered as PostgreSQL orders it, printed as PostgreSQL prints it (`0/16B3748`)."""

    __slots__ = ()

    @classmethod
    def parse(cls, text: str) -> Self:
        """From PostgreSQL's notation; raises `ValueError` for anything else."""
        high, separator, low = text.partition("/")
        if not separator:
            raise ValueError(f"{text!r} is no LSN")
        return cls(int(high, 16) << 32 | int(low, 16))

    def __str__(self) -> str:
        return f"{self >> 32:X}/{self & 0xFFFFFFFF:X}"

    def __repr__(self) -> str:
        return f"Lsn({str(self)!r})"
