"""One load: subscribers of one process, rows offered by the writer, and what came of it."""

from dataclasses import dataclass

from bench.child import BenchError
from bench.frames import Tally
from bench.stack import Stack

PATIENCE_S = 10.0
"""How long nothing may come before what is missing counts as lost."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Load:
    """`every_s` 0: without pause, until either `rows` or `seconds` are reached; else see `writer.write`."""

    subscribers: int
    rows: int
    seconds: float = 3600.0
    every_s: float = 0.0
    spread: float = 0.0
    seed: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """`offered_s` from the first insert to the last, `behind_s` from the last to the last frame of all.

    `latencies_s` are those of the last subscriber to join; `insert_s` is the median of an insert with its commit;
    `late_s` is how late rows were offered, at p99; `engine_cpu_s` is the processor time of the engine's process.
    """

    rows: int
    deliveries: int
    offered_s: float
    behind_s: float
    insert_s: float
    late_s: float
    frame_bytes: float
    engine_cpu_s: float
    reader_cpu_s: float
    tally: Tally
    latencies_s: tuple[float, ...]

    @property
    def drained_s(self) -> float:
        """From the first insert to the last frame."""
        return self.offered_s + self.behind_s

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
        cpu_before = stack.cpu_s()
        offered = await writer.ask(
            rows=load.rows, seconds=load.seconds, every_s=load.every_s, spread=load.spread, seed=load.seed
        )
        drained = await readers.ask(do="drain", rows=offered["rows"], patience_s=PATIENCE_S, receipts=latencies)
        cpu_s = stack.cpu_s() - cpu_before
    if not drained["deliveries"]:
        raise BenchError(f"none of {offered['rows']:,} rows came to any of {load.subscribers} subscribers")
    written = await stack.written_at(process_id) if latencies else {}
    return Outcome(
        rows=offered["rows"],
        deliveries=drained["deliveries"],
        offered_s=offered["ended"] - offered["began"],
        behind_s=drained["last"] - offered["ended"],
        insert_s=offered["insert_s"],
        late_s=offered["late_s"],
        frame_bytes=drained["bytes"] / max(1, drained["deliveries"]),
        engine_cpu_s=cpu_s,
        reader_cpu_s=drained["cpu_s"],
        tally=Tally(lost=drained["lost"], twice=drained["twice"], disordered=drained["disordered"]),
        latencies_s=tuple(at - written[sequence] for sequence, at in drained["received"]),
    )
