"""`docs/bugs.md`, `docs/faults.md` and `docs/defects.md` are drawn from code; `python -m tests.test_docs_catalogue`."""

import ast
import inspect
from pathlib import Path

import pytest

from harness.bug import catalogue, link
from harness.faults import FAULTS
from harness.faults.fault import WorldFault
from tests.test_architecture import PACKAGE

DOCS = PACKAGE.parent / "docs"
DEFECTS = Path(__file__).parent / "defects"
SILENT = (1, 2, 3, 4, 6, 7, 8, 16, 17, 18, 19, 22, 33, 34, 36, 37, 40, 42, 43, 44, 45, 46, 48, 51, 54, 56, 57, 62, 63,
          64, 65)  # fmt: skip
"""The defects of the specification that lose or falsify data in silence: S1 in spec-decisions 5."""


def bugs_page() -> str:
    rows = "\n".join(
        f"| {entry.bug.id} | [{entry.scenario.title}](../scenarios/bugs/{entry.scenario.name}.py) | "
        f"{entry.bug.users_say} | {', '.join(map(_linked, entry.bug.reports))} | {entry.bug.accused} | "
        f"{', '.join(f'`{name}`' for name in entry.bug.convicted_by)} |"
        for entry in catalogue()
    )
    return f"""# The catalogue of delivery bugs: `harness bugs`

Each class is one file in `scenarios/bugs/`, which tells the story of the report. `harness bugs` runs it twice: with
what is accused, which the named checkers must convict, and with the reference, which every checker of the file must
acquit. What convicts is explained in [checkers.md](checkers.md), what goes wrong in [faults.md](faults.md).

Every interval of server, clients and application is shortened by the time factor of the class, which the table prints;
`--time-factor 1` runs in real time. Several classes run at once, a database each.

| class | story | users report | reports | accused | convicted by |
|---|---|---|---|---|---|
{rows}

Drawn by `python -m tests.test_docs_catalogue`.
"""


def _linked(report: str) -> str:
    url = link(report)
    return f"[{report}]({url})" if url else report


def faults_page() -> str:
    rows = "\n".join(
        f"| `{name}` | {_needs(fault)} | {' '.join((inspect.getdoc(fault) or '').split())} |".replace("…", "…")
        for name, fault in sorted(FAULTS.items())
    )
    return f"""# What can go wrong: the faults

A fault is a frozen dataclass in `harness/faults/`, one file each. A scenario lists faults with their times
(`Scenario(faults=[BlackHole(link="reader", at=10.0, lasts=90.0)])`), or its story begins and ends them itself
(`gen.begin(fault)`, `gen.end(fault)`). Faults of a link work between any client, official ones too, and any server:
readers then go through our proxy. Where a backend or client cannot do what a fault needs, the run is unknown and says
so. `mount twice` and `two tabs` are steps of a story: `gen.remount`, and two `gen.subscribe`.

| fault | needs | what happens |
|---|---|---|
{rows}

Drawn by `python -m tests.test_docs_catalogue`.
"""


def _needs(fault: type) -> str:
    needs = getattr(fault, "needs", None)
    return ", ".join(sorted(needs)) if isinstance(needs, frozenset) and needs else "links"


def defects_page() -> str:
    rows = "\n".join(
        f"| {number} | [{sentence}](../tests/defects/{path.name}) |" for number, sentence, path in _defects()
    )
    return f"""# The specification's defects, and where each is shown

The numbers are those of the decisions on the specification (`spec-decisions.md`). Each test has two arms: the
specification's own code, to the letter, shows the defect; the reference does not have it. Every defect that loses or
falsifies data in silence (S1) is here; a test sees to that.

| defect | test |
|---|---|
{rows}

Drawn by `python -m tests.test_docs_catalogue`.
"""


def _defects() -> list[tuple[str, str, Path]]:
    found = []
    for path in sorted(DEFECTS.glob("test_*.py")):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        sentence = (ast.get_docstring(tree) or "").partition("\n")[0]
        found.append((_constant(tree), sentence.partition(": ")[2] or sentence, path))
    return sorted(found, key=lambda one: (int(one[0].removeprefix("D-").split(",")[0]), one[2].name))


def _constant(tree: ast.Module) -> str:
    """The value of `DEFECT` in a module."""
    for node in tree.body:
        if isinstance(node, ast.Assign | ast.AnnAssign) and isinstance(node.value, ast.Constant):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            if any(isinstance(target, ast.Name) and target.id == "DEFECT" for target in targets):
                return str(node.value.value)
    return "D-0"


PAGES = {"bugs.md": bugs_page, "faults.md": faults_page, "defects.md": defects_page}


@pytest.mark.parametrize("name", list(PAGES))
def test_the_page_is_up_to_date(name: str) -> None:
    text = (DOCS / name).read_text(encoding="utf-8")

    assert text == PAGES[name](), "run: python -m tests.test_docs_catalogue"


def test_every_class_of_delivery_bugs_has_its_file() -> None:
    assert [entry.bug.id for entry in catalogue()] == [f"B{number}" for number in range(1, 29)]


def test_every_silent_defect_is_shown_by_a_test() -> None:
    shown = {int(number.removeprefix("D-")) for number, _, _ in _defects()}

    assert set(SILENT) - shown == set()


def test_every_fault_says_which_kind_it_is() -> None:
    assert [
        name for name, fault in FAULTS.items() if not (hasattr(fault, "fate") or isinstance(fault, WorldFault))
    ] == []


if __name__ == "__main__":
    for name, page in PAGES.items():
        (DOCS / name).write_text(page(), encoding="utf-8")
