"""Docs are kept true: whatever a user can meet by name is found in `docs/`."""

import argparse
import re
from collections.abc import Iterator
from dataclasses import fields

import pytest

from harness import arguments
from harness.checkers import CHECKERS
from harness.events.types import EVENT_TYPES
from harness.events.workflow import STEPS, Phase
from harness.history.accounting import Bin, Extra
from harness.history.hops import HOPS
from harness.realtime.quirks import Quirks
from harness.scenario import known
from tests.test_architecture import ARROWS, PACKAGE, modules

DOCS = PACKAGE.parent / "docs"


def text_of(name: str) -> str:
    return (DOCS / name).read_text(encoding="utf-8")


def words(name: str) -> set[str]:
    return set(re.findall(r"[\w-]+", text_of(name)))


def options() -> Iterator[tuple[str, str]]:
    """(command, option) of everything that `--help` shows."""
    names = next(a for a in arguments.parser()._actions if isinstance(a, argparse._SubParsersAction))
    for name, parser in names.choices.items():
        for action in parser._actions:
            if action.help != argparse.SUPPRESS:
                yield from ((name, option) for option in action.option_strings if option.startswith("--"))


@pytest.mark.parametrize(
    ("document", "names"),
    [
        ("contract.md", list(CHECKERS)),
        ("contract.md", list(Bin)),
        ("contract.md", list(Extra)),
        ("history.md", list(HOPS)),
        ("workflow.md", [*EVENT_TYPES, *Phase]),
        ("engine.md", [field.name for field in fields(Quirks)]),
        ("scenarios.md", list(known())),
    ],
)
def test_every_name_is_documented(document: str, names: list[str]) -> None:
    assert set(names) <= words(document)


def test_every_step_of_a_generation_is_documented() -> None:
    assert set(STEPS) <= words("scenarios.md")


@pytest.mark.parametrize(("command", "option"), [pair for pair in options() if pair[1] not in ("--help", "--version")])
def test_every_option_is_in_the_contract(command: str, option: str) -> None:
    assert re.search(rf"{option}\b", text_of("contract.md"))


def test_every_recorded_op_is_documented() -> None:
    documented = words("history.md")
    recorded = {
        f
        for path in modules()
        for f in re.findall(r'(?:record\(\s*[\w.]+,\s*|_log\.tell\(|\.tell\(\s*)"(\w+)"', path.read_text())
    }

    assert recorded
    assert recorded <= documented


def test_the_drawn_arrows_are_those_that_are_tested() -> None:
    block = text_of("architecture.md").split("### 5.3", 1)[1].split("```")[1]
    drawn = {
        name: {part.strip() for part in arrow.split("→")[1].split("(")[0].split(",") if part.strip() not in ("", "–")}
        for arrow in block.strip().splitlines()
        if "→" in arrow
        for name in [arrow.split("→")[0].strip()]
    }

    assert drawn == {name: allowed for name, allowed in ARROWS.items() if name != "__init__"}
