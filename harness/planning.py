"""`harness plan`: how many generations at once under a plan's limits, and which limit comes first."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

from rich.console import Console
from rich.table import Table

from harness.errors import UsageError
from harness.history.hops import RECEIVE
from harness.history.store import read
from harness.lab.command import WRITE_MS, check_names, the_input
from harness.lab.mix import Mix, mix
from harness.lab.simulation import simulate
from harness.output import result
from harness.pipeline.debouncer import MIN_INTERVAL_S
from harness.plan import MEASURED, PUBLISHED, Bound, Compute, Curve, Load, bounds, knee
from harness.realtime.plans import PLANS, Plan

HOSTED: Final = ("free", "pro", "team")
_WIDTH: Final = 160


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanRequest:
    """What `harness plan` was asked for. `events_per_s` None: measured, as the debounce policy lets them out."""

    limits: Plan = "selfhost"
    subscribers: int = 1
    events_per_s: float | None = None
    debounce: str = "lossless"
    row_security: bool = True
    compute: Compute = "micro"
    history: Path | None = None
    knee: Path | None = None
    chunks_per_s: float
    seed: int = 1
    as_json: bool = False


def plan(request: PlanRequest) -> int:
    """Print each limit with the generations that it allows, and which one comes first; 0."""
    check_names([request.debounce])
    measured = _measured(request)
    load = Load(
        changes_per_s=measured.busiest_per_s if request.events_per_s is None else request.events_per_s,
        subscribers=request.subscribers,
        duration_s=measured.duration_s,
        row_bytes=measured.row_bytes,
    )
    found = bounds(load, PLANS[request.limits], _ceilings(request))
    if request.as_json:
        result(json.dumps(_document(request, load, found), ensure_ascii=False))
        return 0
    result(_about(request, load, measured))
    result(_table(found))
    result(sentence(found))
    return 0


def sentence(found: Sequence[Bound]) -> str:
    """What comes first, and what after it."""
    binding = [one for one in found if one.generations is not None]
    if not binding:
        return "No limit: as many generations at once as you like."
    first, *others = binding
    then = f", then {others[0].limit} at {others[0].generations:,}" if others else ""
    most = f"{first.generations:,} generation{'' if first.generations == 1 else 's'}"
    return f"{most} at once: {first.limit} comes first{then}."


def _measured(request: PlanRequest) -> Mix:
    given = the_input(request.history, seed=request.seed, chunks_per_s=request.chunks_per_s)
    trial = simulate(given, request.debounce, interval_s=MIN_INTERVAL_S, write_s=WRITE_MS / 1000, seed=request.seed)
    return mix(trial, row_bytes=None if request.history is None else _largest_frame(request.history))


def _largest_frame(history: Path) -> int | None:
    _, ops = read(history)
    return max((int(op.value.get("bytes", 0)) for op in ops.where(f=RECEIVE, type="ok")), default=None)


def _ceilings(request: PlanRequest) -> Mapping[str, Curve]:
    """What the server itself can do: of the vendor's, what is published; of one's own, what was measured."""
    secured = request.row_security
    setting = f"row security {'on' if secured else 'off'}"
    found: dict[str, Curve] = {}
    if request.limits in HOSTED:
        found[f"published ceiling, {request.compute}, {setting}"] = PUBLISHED[request.compute, secured]
    else:
        found[f"real server on two cores, {setting}"] = MEASURED[secured]
    if request.knee is not None:
        found[f"our own knee, {setting}"] = knee(_deliveries(request.knee), row_security=secured)
    return found


def _deliveries(path: Path) -> Any:
    """`deliveries_per_s` of a `bench/latest.json`."""
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise UsageError(f"{path} cannot be read: {error.strerror}") from error
    except ValueError as error:
        raise UsageError(f"{path} is no JSON: {error}") from error
    if not isinstance(document, dict) or not isinstance(document.get("deliveries_per_s"), dict):
        raise UsageError(f"{path} has no deliveries_per_s: give a bench/latest.json, as `make bench` writes it")
    return document["deliveries_per_s"]


def _about(request: PlanRequest, load: Load, measured: Mix) -> str:
    tabs = "one tab each" if load.subscribers == 1 else f"{load.subscribers} tabs each"
    if request.events_per_s is not None:
        return f"plan {request.limits}: {load.changes_per_s:g} changes a second of each generation, {tabs}"
    return (
        f"plan {request.limits}: {measured.name}, debounce {request.debounce}: "
        f"{measured.busiest_per_s:.1f} changes a second in its busiest five seconds "
        f"({measured.mean_per_s:.1f} over all {measured.duration_s:.0f} s), {tabs}"
    )


def _table(found: Sequence[Bound]) -> str:
    table = Table(box=None, pad_edge=False, header_style="bold")
    for name in ("limit", "allows", "generations", "one generation takes"):
        table.add_column(name, justify="right" if name in ("allows", "generations") else "left", no_wrap=True)
    for one in found:
        table.add_row(one.limit, one.allows, "any" if one.generations is None else f"{one.generations:,}", one.takes)
    console = Console(width=_WIDTH, highlight=False)
    with console.capture() as captured:
        console.print(table)
    return "\n".join(line.rstrip() for line in captured.get().rstrip("\n").splitlines())


def _document(request: PlanRequest, load: Load, found: Sequence[Bound]) -> Mapping[str, Any]:
    first = found[0]
    return {
        "limits": request.limits,
        "rls": request.row_security,
        "debounce": None if request.events_per_s is not None else request.debounce,
        "load": asdict(load),
        "generations": first.generations,
        "first": first.limit if first.generations is not None else None,
        "bounds": [asdict(one) for one in found],
    }
