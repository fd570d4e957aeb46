"""`deliveries_per_s`, `burst_5000_s`, `at_rate_ms`: what subscribers get of what is written, and how soon."""

from bench.distribution import percentile
from bench.figure import Figure
from bench.load import Load, Outcome, run
from bench.progress import note
from bench.real_server import Case
from bench.size import Size
from bench.stack import Stack

_BURST_READERS = 10
_SINGLE_PER_S = 1_800
_LATE_S = 0.05
"""At which lateness of the writer, at p99, the rate was not offered: nothing is then said of the engine."""
_RATES = (
    (1, "off", _SINGLE_PER_S),
    (10, "off", 1_500),
    (50, "off", 1_600),
    (200, "off", 600),
    (1, "on", _SINGLE_PER_S),
    (10, "on", 1_200),
    (50, "on", 800),
)
"""Subscribers, row security, commits per second: those of bench/targets.py."""


async def deliveries(stack: Stack, size: Size) -> list[Figure]:
    """Rows offered without pause, until all have them: without row security and with it."""
    figures: list[Figure] = []
    for rls, rows in (("off", size.rows), ("on", size.rows_secured)):
        await stack.row_security(on=rls == "on")
        for subscribers, most in rows.items():
            note(f"deliveries_per_s: cadence {stack.cadence}, {subscribers} subscribers, row security {rls}")
            came = await run(stack, Load(subscribers=subscribers, rows=most, seconds=size.offer_s))
            figures += _delivered(stack, size, came, (str(subscribers), rls))
    await stack.row_security(on=True)
    return figures


def _delivered(stack: Stack, size: Size, came: Outcome, case: tuple[str, str]) -> list[Figure]:
    """The keys of contract 8 are those of the cadence `real`, the real server's own."""
    cadence = () if stack.cadence == "real" else (stack.cadence,)
    delivered = Figure(
        case=("deliveries_per_s", *cadence, *case),
        value=came.deliveries_per_s,
        unit="/s",
        settings=_told(stack, came),
        tally=came.tally,
        comparable=size.full,
        like=("deliveries_per_s", *case),
    )
    if not came.engine_cpu_s:
        return [delivered]
    cost = Figure(
        case=("engine_us_per_delivery", stack.cadence, *case),
        value=1e6 * came.engine_cpu_s / came.deliveries,
        unit="µs",
        settings="processor time of the engine's process under the load of deliveries_per_s",
        comparable=size.full,
    )
    return [delivered, cost]


async def burst(stack: Stack, size: Size) -> list[Figure]:
    """Commits one by one as fast as possible, until the last of ten subscribers has the last of them."""
    note(f"burst_5000_s: cadence {stack.cadence}, {size.burst_rows} commits, {_BURST_READERS} subscribers")
    await stack.row_security(on=False)
    came = await run(stack, Load(subscribers=_BURST_READERS, rows=size.burst_rows))
    await stack.row_security(on=True)
    cases: dict[Case, float] = {
        ("burst_5000_by_cadence_s", stack.cadence, "after the first insert"): came.drained_s,
        ("burst_5000_by_cadence_s", stack.cadence, "after the last commit"): came.behind_s,
    }
    if stack.cadence == "real":
        cases["burst_5000_s",] = came.drained_s
    return [
        Figure(
            case=case,
            value=value,
            unit="s",
            settings=f"{_BURST_READERS} subscribers, row security off, {_told(stack, came)}",
            tally=came.tally,
            comparable=size.full,
            like=("burst_5000_s",) if "after the last commit" not in case else None,
        )
        for case, value in cases.items()
    ]


async def at_rate(stack: Stack, size: Size) -> list[Figure]:
    """Rows offered at a rate, whatever becomes of them: how late they are, and whether they become ever later."""
    figures: list[Figure] = []
    for subscribers, rls, per_s in _RATES:
        await stack.row_security(on=rls == "on")
        note(f"at_rate_ms: {subscribers} subscribers, row security {rls}, {per_s:,} commits/s")
        load = Load(subscribers=subscribers, rows=round(per_s * size.rate_s), every_s=1 / per_s)
        came = await run(stack, load, latencies=True)
        fifth = max(1, came.rows // 5)
        values = {
            "p50": percentile(came.latencies_s, 0.50),
            "p99": percentile(came.latencies_s, 0.99),
            "behind": came.behind_s,
        }
        settings = (
            f"cadence {stack.cadence}, {came.offered_per_s:,.0f} commits/s for {came.offered_s:.2f} s (p99 of their "
            f"own lateness {1000 * came.late_s:.1f} ms), {came.deliveries / came.offered_s:,.0f} deliveries/s; p50 of "
            f"the first fifth {1000 * percentile(came.latencies_s[:fifth], 0.5):.1f} ms, "
            f"of the last {1000 * percentile(came.latencies_s[-fifth:], 0.5):.1f} ms"
        )
        figures += [
            Figure(
                case=("at_rate_ms", str(subscribers), rls, told),
                value=1000 * value if came.late_s <= _LATE_S else None,
                unit="ms",
                settings=settings if came.late_s <= _LATE_S else f"void, the writer itself was late: {settings}",
                tally=came.tally,
                comparable=size.full,
            )
            for told, value in values.items()
        ]
    await stack.row_security(on=True)
    return figures


def _told(stack: Stack, came: Outcome) -> str:
    return (
        f"cadence {stack.cadence}, {came.rows:,} rows offered in {came.offered_s:.2f} s ({came.offered_per_s:,.0f}/s), "
        f"all there {came.behind_s:.2f} s after the last commit, frames of {came.frame_bytes:,.0f} B, "
        f"readers {came.reader_cpu_s:.2f} s CPU"
    )
