"""The sign-in server cannot be reached, so a token runs out."""

from dataclasses import dataclass
from typing import ClassVar

from harness.faults.fault import Capability, World


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenExpires:
    """The reader's browser gets no new token while it lasts; the one that it has expires at its own time.

    The channel is then closed with a `system` error, and every join with the old token is refused: some clients go on
    with it for ever (delivery-bugs 16 to 18; realtime-facts 1.4, recording p04b; class B5).
    """

    reader: str
    at: float = 0.0
    lasts: float | None = None

    needs: ClassVar[frozenset[Capability]] = frozenset({Capability.MACHINES})

    async def begin(self, world: World) -> None:
        """Tokens are given out again only at the end."""
        world.machine(self.reader).refresh_tokens(False)

    async def end(self, world: World) -> None:
        """The sign-in server is back."""
        world.machine(self.reader).refresh_tokens(True)
