"""`docs/map.md` is drawn from the modules' first sentences; `python -m tests.test_docs_map` draws it anew."""

import ast
from itertools import groupby
from pathlib import Path

from tests import test_load_architecture as load
from tests.test_architecture import DOERS, PACKAGE, modules

PAGE = PACKAGE.parent / "docs" / "map.md"
PURPOSES = {
    "": "THE PARTS MEET",
    "events": "WHAT the application says",
    "phoenix": "HOW it is framed",
    "replication": "HOW a row becomes a change",
    "realtime": "OUR Supabase Realtime",
    "pipeline": "THE application under test",
    "clients": "WHO speaks to a server",
    "generators": "WHICH steps happen",
    "history": "WHAT happened",
    "checkers": "WHAT it means",
    "faults": "WHAT goes wrong",
    "proxy": "BETWEEN a client and its server",
    "performing": "WHO does what a story says",
    "lab": "WHAT debouncing costs and saves",
    "pipeline/policies": "WHAT a debouncer may do",
    "pipeline/as_specified": "THE accused: the application to the specification's letter",
    "backends": "WHERE it runs",
    "fidelity": "HOW FAITHFUL it is",
    "report": "HOW it is told",
}
PURPOSES_OF_LOAD = {
    "": "LOAD, with Locust",
    "commands": "WHICH runs a command makes, and what it tells",
    "offering": "WHAT is offered, and when",
    "reading": "HOW a page reads",
    "playing": "WHO plays a run, in one process or in several",
    "judging": "WHAT a run came to",
    "telling": "HOW it is told",
}


def page() -> str:
    harness = sections(PACKAGE, modules(), PURPOSES, DOERS)
    loads = sections(load.PACKAGE, load.modules(), PURPOSES_OF_LOAD, load.DOERS)
    return f"""# The map: every module in one sentence

Drawn from the docstrings by `tests/test_docs_map.py`; run `python -m tests.test_docs_map` after adding a module.
○ decides: no I/O, no clock, no task. ● does. The shape that this grows into, and why, is in
[architecture.md](architecture.md).

{harness}

{loads}
"""


def sections(package: Path, paths: list[Path], purposes: dict[str, str], doers: set[str]) -> str:
    """One table a folder, those of the package itself first."""
    named = sorted((path for path in paths if path.name != "__init__.py"), key=lambda path: (path.parent, path))
    folders = groupby(named, key=lambda path: path.parent.relative_to(package).as_posix().removeprefix("."))
    return "\n\n".join(
        f"## `{package.name}/{folder}`: {purposes[folder]}\n\n| module | | |\n|---|---|---|\n"
        + "\n".join(row(package, path, doers) for path in inside)
        for folder, inside in folders
    )


def row(package: Path, path: Path, doers: set[str]) -> str:
    name = ".".join(path.relative_to(package).with_suffix("").parts)
    return f"| `{path.name}` | {'●' if name in doers else '○'} | {sentence(path)} |"


def sentence(path: Path) -> str:
    text = ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) or ""
    return text.split("\n")[0].replace("|", "\\|")


def test_the_map_is_up_to_date() -> None:
    assert PAGE.read_text(encoding="utf-8") == page(), "run: python -m tests.test_docs_map"


def test_every_module_says_what_it_is() -> None:
    assert [path for path in modules() if path.name != "__init__.py" and not sentence(path)] == []


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
