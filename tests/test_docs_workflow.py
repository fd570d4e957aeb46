"""`docs/workflow.md` is drawn from the tables; `python -m tests.test_docs_workflow` draws it anew."""

from collections.abc import Iterable, Mapping
from itertools import groupby
from pathlib import Path

from harness.events.types import EVENT_TYPES, ProcessError
from harness.events.workflow import TERMINAL, TRANSITIONS, Phase, advance
from harness.pipeline import reader_status
from harness.pipeline.reader_status import Signal, Status

PAGE = Path(__file__).parent.parent / "docs" / "workflow.md"
FATAL = ProcessError(error_type="unrecoverable", step="editing", message="")

Edge = tuple[str, str, str]
"""From, to, label."""


def page() -> str:
    return f"""# The workflow of a process, and what a reader says

Drawn from `harness/events/workflow.py` and `harness/pipeline/reader_status.py` by `tests/test_docs_workflow.py`:
change the tables, not this page, and run `python -m tests.test_docs_workflow`.

## One article generation

What is not drawn is illegal (spec-decisions D-70 to D-73). An unrecoverable `process_error` is terminal, every other
one leads to `recovering`; after a terminal event nothing may be said.

{diagram(phase_edges(), start=Phase.NEW, ends=sorted(TERMINAL))}

{phase_table()}

## One reader's connection

What is not drawn changes nothing. Only `live` and `ended` promise that what is shown is up to date.

{diagram(status_edges(), start=Status.OFFLINE, ends=[Status.LEFT])}

{status_table()}
"""


def phase_edges() -> list[Edge]:
    legal = [(phase, following, event) for phase, row in TRANSITIONS.items() for event, following in row.items()]
    fatal = [
        (phase, advance(phase, FATAL), "process_error (unrecoverable)") for phase, _, event in legal if is_error(event)
    ]
    return [(str(before), str(after), event) for before, after, event in (*legal, *fatal)]


def status_edges() -> list[Edge]:
    return [
        (str(before), str(after), signal.name.lower())
        for before, row in reader_status.TRANSITIONS.items()
        for signal, after in row.items()
    ]


def is_error(event_type: str) -> bool:
    return event_type == FATAL.event_type


def diagram(edges: Iterable[Edge], *, start: str, ends: Iterable[str]) -> str:
    """One arrow for all that leads from one state to another."""
    arrows = [
        f"    {before} --> {after} : {', '.join(label for *_, label in labels)}"
        for (before, after), labels in groupby(sorted(edges, key=lambda edge: edge[:2]), key=lambda edge: edge[:2])
    ]
    lines = ["stateDiagram-v2", f"    [*] --> {start}", *arrows, *(f"    {end} --> [*]" for end in ends)]
    return "\n".join(["```mermaid", *lines, "```"])


def phase_table() -> str:
    rows = {
        event: [cell(event, TRANSITIONS[phase].get(event)) for phase in Phase if phase not in TERMINAL]
        for event in EVENT_TYPES
    }
    return table("event", [str(phase) for phase in Phase if phase not in TERMINAL], rows)


def cell(event: str, following: Phase | None) -> str:
    if following is None:
        return "–"
    return f"{following} / {Phase.FAILED}" if is_error(event) else str(following)


def status_table() -> str:
    rows = {
        f"{signal.name.lower()}: {signal.value}": [
            str(row.get(signal, "–")) for row in reader_status.TRANSITIONS.values()
        ]
        for signal in Signal
    }
    return table("signal", [str(status) for status in reader_status.TRANSITIONS], rows)


def table(corner: str, columns: list[str], rows: Mapping[str, list[str]]) -> str:
    lines = [[corner, *columns], ["---"] * (len(columns) + 1), *([name, *cells] for name, cells in rows.items())]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def test_the_page_is_what_the_tables_say() -> None:
    assert PAGE.read_text(encoding="utf-8") == page(), "run: python -m tests.test_docs_workflow"


def test_every_state_and_every_event_is_on_the_page() -> None:
    drawn = page()

    names = [*Phase, *EVENT_TYPES, *Status]
    assert [name for name in names if name not in drawn] == []


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
