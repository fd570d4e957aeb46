"""`joins_per_s`: many open sockets ask to join at the same moment."""

import statistics

from bench.figure import Figure
from bench.progress import note
from bench.size import Size
from bench.stack import Stack


async def joins(stack: Stack, size: Size) -> list[Figure]:
    """Joins with one postgres_changes filter on a warm worker: until the last reply, until the last is subscribed."""
    replied: list[float] = []
    subscribed: list[float] = []
    for number in range(size.repeats):
        note(f"joins_per_s: {size.joining} sockets, {number + 1} of {size.repeats}")
        async with stack.readers(size.joining, await stack.new_process(), at_once=True) as readers:
            took = await readers.ask(do="join")
        replied.append(size.joining / took["replied_s"])
        subscribed.append(size.joining / took["subscribed_s"])
    return [
        Figure(
            case=("joins_per_s", name),
            value=statistics.median(rates),
            unit="/s",
            settings=f"{size.joining} open sockets at once, one filter, warm worker, cadence {stack.cadence}; "
            f"median of {' · '.join(f'{each:,.0f}' for each in rates)}",
            comparable=size.full,
        )
        for name, rates in (("reply", replied), ("subscribed", subscribed))
    ]
