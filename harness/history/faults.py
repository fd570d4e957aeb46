"""The stretches of a run in which a fault held, as the nemesis told them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from harness.history.history import History, made_once
from harness.history.op import Op

FAULT: Final = "fault"
EVERYBODY: Final = "*"


@dataclass(frozen=True, slots=True, kw_only=True)
class FaultStretch:
    """`fault` held from `begun` to `ended`; to the end of the recording (`end`) if that is None.

    `where` is the reader whose link or computer it befell, `*` for all readers', and nothing for one of the database,
    the server or the application.
    """

    fault: str
    where: str
    begun: Op
    ended: Op | None
    end: float

    @property
    def start(self) -> float:
        return self.begun.time

    def concerns(self, reader: str) -> bool:
        """Whether it befell the link or the computer of that reader."""
        return self.where in (reader, EVERYBODY)


@made_once
def fault_stretches(history: History) -> Sequence[FaultStretch]:
    """All of a run, by their beginnings. One that could not begin is none; one that could not be ended holds on."""
    last = history[-1].time if len(history) else 0.0
    begun: dict[str, list[Op]] = {}
    pairs: list[tuple[Op, Op | None]] = []
    for op in history.where(f=FAULT):
        holding = begun.setdefault(_same(op.value), [])
        if op.type == "invoke":
            holding.append(op)
        elif op.type == "ok" and holding:
            pairs.append((holding.pop(0), op))
    pairs += [(op, None) for holding in begun.values() for op in holding]
    return [_stretch(*pair, last) for pair in sorted(pairs, key=lambda pair: pair[0].index)]


def _same(value: Mapping[str, Any]) -> str:
    """What the ops of one fault have in common: its name and all its fields."""
    return repr(sorted(value.items()))


def _stretch(begun: Op, ended: Op | None, last: float) -> FaultStretch:
    return FaultStretch(
        fault=str(begun.value.get("fault", "")),
        where=str(begun.value.get("reader") or begun.value.get("link") or ""),
        begun=begun,
        ended=ended,
        end=last if ended is None else ended.time,
    )
