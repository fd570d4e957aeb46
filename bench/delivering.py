"""`deliveries_per_s`, `burst_5000_s` and `commit_to_client_ms`: what subscribers get of what is written."""

from bench.figure import Figure, percentile
from bench.load import Load, Outcome, run
from bench.progress import note
from bench.size import Size
from bench.stack import Stack

_BURST_READERS = 10
_IDLE_S = 1.0
_BUSY_S = 0.05


async def deliveries(stack: Stack, size: Size) -> list[Figure]:
    """Rows offered without pause, until all have them: without row security and with it."""
    figures: list[Figure] = []
    for rls, rows in (("off", size.rows), ("on", size.rows_secured)):
        await stack.row_security(on=rls == "on")
        for subscribers, most in rows.items():
            note(f"deliveries_per_s: {subscribers} subscribers, row security {rls}")
            came = await run(stack, Load(subscribers=subscribers, rows=most, seconds=size.offer_s))
            figures.append(
                Figure(
                    case=("deliveries_per_s", str(subscribers), rls),
                    value=came.deliveries_per_s,
                    unit="/s",
                    settings=_told(stack, came),
                    tally=came.tally,
                    comparable=size.full,
                )
            )
    await stack.row_security(on=True)
    return figures


async def burst(stack: Stack, size: Size) -> list[Figure]:
    """Commits one by one as fast as possible, until the last of ten subscribers has the last of them."""
    note(f"burst_5000_s: {size.burst_rows} commits, {_BURST_READERS} subscribers")
    await stack.row_security(on=False)
    came = await run(stack, Load(subscribers=_BURST_READERS, rows=size.burst_rows))
    await stack.row_security(on=True)
    return [
        Figure(
            case=("burst_5000_s",),
            value=came.drained_s,
            unit="s",
            settings=f"{_BURST_READERS} subscribers, row security off, {_told(stack, came)}",
            tally=came.tally,
            comparable=size.full,
        )
    ]


async def latency(stack: Stack, size: Size) -> list[Figure]:
    """From the moment of the write, by the database's clock, to the receipt, by the same machine's."""
    await stack.row_security(on=False)
    figures: list[Figure] = []
    for name, rows, every_s in (
        ("idle", size.idle_rows[stack.cadence], _IDLE_S),
        ("20 per s", size.busy_rows, _BUSY_S),
    ):
        note(f"commit_to_client_ms: cadence {stack.cadence}, {name}, {rows} rows")
        came = await run(stack, Load(subscribers=1, rows=rows, every_s=every_s), latencies=True)
        figures += [
            Figure(
                case=("commit_to_client_ms", stack.cadence, name, told),
                value=1000 * percentile(came.latencies_s, share),
                unit="ms",
                settings=f"n = {len(came.latencies_s)}, one row per about {every_s:g} s, row security off, "
                f"from clock_timestamp() in the INSERT (which takes {1000 * came.insert_s:.2f} ms with its commit)",
                tally=came.tally,
                comparable=size.full,
            )
            for told, share in (("p50", 0.50), ("p99", 0.99))
        ]
    await stack.row_security(on=True)
    return figures


def _told(stack: Stack, came: Outcome) -> str:
    return (
        f"cadence {stack.cadence}, {came.rows:,} rows offered in {came.offered_s:.2f} s ({came.offered_per_s:,.0f}/s), "
        f"all there after {came.drained_s:.2f} s, frames of {came.frame_bytes:,.0f} B, "
        f"readers {came.reader_cpu_s:.2f} s CPU"
    )
