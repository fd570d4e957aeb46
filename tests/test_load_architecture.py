"""The arrows inside `load/` (docs/architecture.md 5.3), and which of its modules do I/O or know Locust and gevent."""

from pathlib import Path

import pytest

from tests.test_architecture import DOING, ROOT, imported

PACKAGE = ROOT / "load"
INSIDE = {
    "plan": set(),
    "options": {"plan"},
    "offering": {"plan"},
    "reading": set(),
    "judging": {"plan"},
    "telling": {"judging", "options", "plan"},
    "playing": {"offering", "reading", "judging", "telling", "options", "plan"},
    "commands": {"judging", "telling", "options", "plan"},
    "locustfile": {"playing", "telling", "options"},
    "__main__": {"commands"},
    "__init__": set(),
}  # fmt: skip
ACCUSED = {"pipeline", "realtime", "replication", "backends", "clients", "phoenix"}
"""What is judged: judges import none of it."""
DOERS = {
    "locustfile",
    "commands.descriptors", "commands.distributed", "commands.running", "commands.stack",
    "offering.broadcasting", "offering.publishing",
    "reading.fetching", "reading.wire",
    "playing.alone", "playing.calls", "playing.concluding", "playing.director", "playing.gathering",
    "playing.generation", "playing.meter", "playing.player", "playing.stage", "playing.users", "playing.worker",
    "telling.web",
}  # fmt: skip
GEVENT = {"gevent", "locust", "flask"}
"""Not to be imported before Locust has patched the process: pytest must never do so."""


def modules() -> list[Path]:
    return sorted(PACKAGE.rglob("*.py"))


def dotted(path: Path) -> str:
    return ".".join(path.relative_to(PACKAGE).with_suffix("").parts)


def roots(path: Path) -> set[str]:
    return {name.split(".")[0] for name in imported(path)}


@pytest.mark.parametrize("path", modules(), ids=dotted)
def test_imports_follow_the_arrows(path: Path) -> None:
    here = dotted(path).split(".")[0]
    inside = {name.split(".")[1] for name in imported(path) if name.startswith("load.")}

    assert inside - {here} <= INSIDE[here]


@pytest.mark.parametrize("path", modules(), ids=dotted)
def test_who_judges_or_tells_imports_none_of_the_accused(path: Path) -> None:
    here = dotted(path).split(".")[0]
    inside = {name.split(".")[1] for name in imported(path) if name.startswith("harness.")}

    assert here not in ("judging", "telling") or not inside & ACCUSED


@pytest.mark.parametrize("path", modules(), ids=dotted)
def test_a_module_that_decides_does_nothing(path: Path) -> None:
    assert not roots(path) & (DOING | GEVENT | {"psutil", "http", "resource"}) or dotted(path) in DOERS


@pytest.mark.parametrize("path", modules(), ids=dotted)
def test_modules_stay_small(path: Path) -> None:
    assert len(path.read_text().splitlines()) <= 500


def test_every_listed_doer_exists() -> None:
    assert {dotted(path) for path in modules()} >= DOERS
