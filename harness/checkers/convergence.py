"""At rest, what each reader shows is what the tables hold."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from harness.checkers.checker import Finding, Verdict
from harness.history import History, Op
from harness.history.audience import audience

_NOT_COMPARED = frozenset({"process_id", "stale"})


@dataclass(frozen=True, slots=True)
class Convergence:
    """Convicts a reader whose last view differs from the database in a key that both have.

    Saying that it is stale does not help it here: at rest it had all the time to catch up. Not compared are readers
    that left and readers without a right to the process. Unknown if the system did not come to rest (the last
    `settle` is not ok), or if there is no pair of view and database after that.
    """

    def check(self, history: History) -> Verdict:
        ends = [op for op in history.where(f="settle") if op.type in ("ok", "info")]
        if not ends or ends[-1].type != "ok":
            return Verdict.unknown("the system did not come to rest: the history has no `settle` that ended well")
        pairs = list(_pairs(history, ends[-1]))
        return Verdict.of((found for pair in pairs if (found := _difference(*pair))), looked_at=len(pairs))


def _pairs(history: History, rest: Op) -> Iterator[tuple[Op, Op]]:
    tables = {op.value.process_id: op for op in history.where(f="database")}
    views = {(op.actor, op.value.process_id): op for op in history.where(f="view")}
    subscribers = audience(history)
    for key, view in views.items():
        table = tables.get(view.value.process_id)
        if (
            table is not None
            and min(table.index, view.index) > rest.index
            and (key not in subscribers or subscribers[key].present)
        ):
            yield view, table


def _difference(view: Op, table: Op) -> Finding | None:
    shared = (view.value.keys() & table.value.keys()) - _NOT_COMPARED
    different = {
        key: {"shown": view.value[key], "stored": table.value[key]}
        for key in sorted(shared)
        if _comparable(view.value[key]) != _comparable(table.value[key])
    }
    if not different:
        return None
    detail = {
        "reader": view.actor,
        "process_id": view.value.process_id,
        "stale": bool(view.value.get("stale")),
        "differs": different,
    }
    return Finding("not_converged", (table, view), detail)


def _comparable(value: Any) -> Any:
    """Sections by their index, whatever order they are told in; everything else as it is."""
    if isinstance(value, list | tuple) and all(isinstance(item, dict) for item in value):
        return sorted(value, key=lambda item: item.get("section_index", 0))
    return value
