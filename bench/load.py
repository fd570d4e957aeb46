"""One load: subscribers of one process, rows offered by the writer, and what came of it."""

from dataclasses import dataclass

from bench.child import BenchError
from bench.frames import Tally
from bench.stack import Stack

PATIENCE_S = 10.0
"""How long nothing may come before what is missing counts as lost."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Load:
    """`every_s` 0: without pause, until either `rows` or `seconds` are reached."""

    subscribers: int
    rows: int
    seconds: float = 3600.0
    every_s: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """`offered_s` from the first insert to the last, `drained_s` from the first insert to the last frame.

    `latencies_s` are those of the first subscriber; `insert_s` is the median of an insert with its commit.
    """

    rows: int
    deliveries: int
    offered_s: float
    drained_s: float
    insert_s: float
    frame_bytes: float
    reader_cpu_s: float
    tally: Tally
    latencies_s: tuple[float, ...]

    @property
    def deliveries_per_s(self) -> float:
        return self.deliveries / self.drained_s

    @property
    def offered_per_s(self) -> float:
        return self.rows / self.offered_s


async def run(stack: Stack, load: Load, *, latencies: bool = False) -> Outcome:
    """Subscribe, write, and wait until everybody has everything, or until nothing comes any more.

    Raises `BenchError` if nothing came at all: there is then no time to tell.
    """
    process_id = await stack.new_process()
    async with (
        stack.readers(load.subscribers, process_id, at_once=latencies) as readers,
        stack.writer(process_id) as writer,
    ):
        await readers.ask(do="join")
        offered = await writer.ask(rows=load.rows, seconds=load.seconds, every_s=load.every_s)
        drained = await readers.ask(do="drain", rows=offered["rows"], patience_s=PATIENCE_S, receipts=latencies)
    if not drained["deliveries"]:
        raise BenchError(f"none of {offered['rows']:,} rows came to any of {load.subscribers} subscribers")
    written = await stack.written_at(process_id) if latencies else {}
    return Outcome(
        rows=offered["rows"],
        deliveries=drained["deliveries"],
        offered_s=offered["ended"] - offered["began"],
        drained_s=drained["last"] - offered["began"],
        insert_s=offered["insert_s"],
        frame_bytes=drained["bytes"] / max(1, drained["deliveries"]),
        reader_cpu_s=drained["cpu_s"],
        tally=Tally(lost=drained["lost"], twice=drained["twice"], disordered=drained["disordered"]),
        latencies_s=tuple(at - written[sequence] for sequence, at in drained["received"]),
    )
