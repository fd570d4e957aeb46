"""The figures as text: one block a key, one line a figure, its settings under it."""

from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby

from bench.figure import Figure


def table(figures: Sequence[Figure], settings: Mapping[str, str]) -> str:
    """What `make bench` prints. Ratios are ours divided by the real server's, from docs/real-performance.md."""
    return "\n".join(_lines(figures, settings))


def _lines(figures: Sequence[Figure], settings: Mapping[str, str]) -> Iterator[str]:
    for name, value in settings.items():
        yield f"{name}: {value}"
    yield ""
    yield f"{'':40}{'ours':>12}{'real':>10}{'ours/real':>10}{'target':>20}  lost · twice · disordered"
    for key, group in groupby(figures, key=lambda figure: figure.case[0]):
        yield key
        told = ""
        for figure in group:
            yield _line(figure)
            if figure.settings != told:
                yield f"      {figure.settings}"
            told = figure.settings


def _line(figure: Figure) -> str:
    name = " ".join(figure.case[1:]) or figure.case[0]
    ours = "–" if figure.value is None else f"{_number(figure.value)} {figure.unit}"
    real = "–" if figure.real is None else _number(figure.real.value)
    ratio = "–" if figure.ratio is None else f"{figure.ratio:.2f}"
    tally = figure.tally
    loss = "" if tally is None else f"{tally.lost} · {tally.twice} · {tally.disordered}"
    return f"  {name:38}{ours:>12}{real:>10}{ratio:>10}{_target(figure):>20}  {loss}".rstrip()


def _target(figure: Figure) -> str:
    if figure.target is None or figure.value is None:
        return "–"
    return figure.target.words() if figure.target.reached(figure.value) else f"missed: {figure.target.words()}"


def _number(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"
