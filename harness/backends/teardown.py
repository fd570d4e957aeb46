"""Taking a stack down to its end, whatever happens meanwhile."""

import asyncio
from contextlib import AsyncExitStack
from typing import Final

GOODBYE_S: Final = 2.0
"""How long a request that is being answered may hold it up."""


async def take_down(stack: AsyncExitStack) -> None:
    """Close everything in `stack`; a caller that is cancelled meanwhile is so only when all is closed."""
    closing = asyncio.ensure_future(stack.aclose())
    try:
        await asyncio.shield(closing)
    except asyncio.CancelledError:
        await asyncio.wait({closing})
        closing.result()
        raise
