"""Imports follow the arrows of docs/architecture.md 5.3, and only the listed modules do I/O."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PACKAGE = ROOT / "harness"

# Who may import whom, inside the harness. A name is a package, or a module at the top.
ARROWS: dict[str, set[str]] = {
    "errors": set(),
    "clock": set(),
    "heap": set(),
    "tokens": {"errors"},
    "events": {"errors"},
    "phoenix": {"errors"},
    "history": {"errors"},
    "replication": {"history", "clock", "errors"},
    "clients": {"phoenix", "history", "clock", "errors"},
    # never realtime: the application knows only the wire and SQL, or the test would share its bugs
    "pipeline": {"events", "phoenix", "clients", "history", "clock", "errors", "tokens"},
    # never events or pipeline: a server knows no articles
    "realtime": {"replication", "phoenix", "history", "clock", "heap", "errors"},
    "generators": {"events", "faults", "errors"},
    "faults": {"phoenix", "clients", "history", "clock", "errors"},
    "proxy": {"faults", "history", "clock", "errors"},
    # never realtime, pipeline or backends: a judge that imports the accused inherits its bugs
    "checkers": {"events", "history", "errors"},
    "scenario": {"generators", "faults", "checkers", "errors"},
    "cast": {"pipeline", "history"},
    "backends": {
        "realtime", "replication", "pipeline", "faults", "clients", "history", "clock", "errors", "tokens",
    },
    "interpreter": {
        "generators", "performing", "pipeline", "clock", "errors",
    },
    "report": {"scenario", "checkers", "history", "errors"},
    "performing": {
        "cast", "generators", "faults", "proxy", "backends", "pipeline", "phoenix", "clients", "history", "clock",
        "errors", "tokens", "events",
    },
    "runner": {
        "scenario", "interpreter", "performing", "proxy", "cast", "judgement", "backends", "history", "clock", "errors",
    },
    "bug": {"scenario", "realtime", "errors"},
    "bugs": {"bug", "batch", "outcome", "output", "report", "checkers", "backends"},
    "testing": {
        "batch", "interpreter", "performing", "scenario", "outcome", "judgement", "cast", "generators", "report",
        "checkers", "backends", "pipeline", "events", "history", "clock", "errors",
    },
    "pytest_plugin": {"testing", "backends", "tokens"},
    "judgement": {"report", "checkers", "history", "errors"},
    "outcome": {"judgement", "report", "output", "checkers", "errors"},
    "output": {"errors"},
    "signals": set(),
    "child": {"signals", "errors"},
    "batch": {
        "bug", "outcome", "runner", "performing", "scenario", "report", "output", "backends", "pipeline", "phoenix",
        "clients", "history", "clock", "errors",
    },
    "stacks": {"child", "signals", "output", "backends", "history", "clock", "heap", "errors"},
    "commands": {"bug", "faults", "outcome", "judgement", "output", "scenario", "clock", "tokens", "errors"},
    "fidelity": {"backends", "realtime", "replication", "phoenix", "history", "clock", "tokens", "errors"},
    "lab": {"pipeline", "checkers", "events", "history", "clock", "output", "errors"},
    "plan": {"realtime", "errors"},
    "planning": {"plan", "lab", "pipeline", "realtime", "history", "output", "errors"},
    "arguments": {"plan", "realtime", "errors"},
    "cli": {
        "fidelity", "commands", "batch", "bugs", "lab", "planning", "stacks", "arguments",
        "signals", "output", "backends", "history", "tokens", "errors",
    },
    "__main__": {"cli"},
    "__init__": {"scenario", "generators", "checkers", "history"},
}  # fmt: skip

# The doers. Every other module decides: it may import none of these.
DOERS = {
    "clock", "heap", "scenario", "bugs", "testing", "cast", "interpreter", "runner", "judgement", "outcome", "batch",
    "stacks", "commands", "child", "signals", "output", "cli",
    "replication.source_postgres", "replication.source_stream", "replication.source_waiting",
    "replication.source_visible", "replication.witness",
    "realtime.server", "realtime.worker", "realtime.link", "realtime.presence_channel", "realtime.visibility_postgres",
    "realtime.session_postgres", "realtime.subscribing_postgres",
    "realtime.authorisation_postgres", "realtime.messages_postgres", "realtime.http_broadcast",
    "realtime.replication_ready",
    "realtime.channel", "realtime.changes", "realtime.token_watch", "realtime.admin", "realtime.answers",
    "clients.native", "clients.realtime_py", "clients.realtime_js", "clients.mailbox",
    "pipeline.flow", "pipeline.backend_app", "pipeline.publisher", "pipeline.state_store",
    "pipeline.store_postgres", "pipeline.subscriber", "pipeline.http_client", "pipeline.reader_channels",
    "pipeline.process", "pipeline.app", "pipeline.apps", "pipeline.reference", "pipeline.retention",
    "pipeline.reader_task", "pipeline.as_specified.debouncer", "pipeline.as_specified.publisher",
    "pipeline.as_specified.attempts", "pipeline.as_specified.page",
    "performing.page", "performing.behind", "performing.stage", "performing.machine", "performing.listener",
    "faults.nemesis", "backends.upkeep", "backends.world", "proxy.lane", "proxy.proxy", "proxy.tunnel",
    "realtime.controls", "realtime.engine",
    "lab.command", "lab.simulation", "planning",
    "fidelity.admin", "fidelity.command", "fidelity.engine", "fidelity.log", "fidelity.player",
    "fidelity.preparation", "fidelity.wire",
    "history.store", "report.progress",
    "backends.cluster", "backends.embedded", "backends.account", "backends.binaries", "backends.guarded_folder",
    "backends.compose", "backends.compose_project", "backends.gateway", "realtime.__main__",
    "backends.attached", "backends.listening", "backends.teardown",
}  # fmt: skip
DOING = {
    "asyncio", "socket", "subprocess", "threading", "time", "os", "signal", "shutil", "tempfile",
    "aiohttp", "asyncpg", "websockets", "realtime", "requests", "httpx",
}  # fmt: skip


def modules() -> list[Path]:
    return sorted(PACKAGE.rglob("*.py"))


def dotted(path: Path) -> str:
    return ".".join(path.relative_to(PACKAGE).with_suffix("").parts)


def imported(path: Path) -> set[str]:
    """Full names of what a module imports at run time; imports for types only do not count."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative imports hide the arrow"
            names |= {f"{node.module}.{alias.name}" for alias in node.names}
    return names


@pytest.mark.parametrize("path", modules(), ids=dotted)
def test_imports_follow_the_arrows(path: Path) -> None:
    here = path.relative_to(PACKAGE).with_suffix("").parts[0]
    inside = {name.split(".")[1] for name in imported(path) if name.startswith("harness.")}

    assert inside - {here} <= ARROWS[here]


@pytest.mark.parametrize("path", modules(), ids=dotted)
def test_a_module_that_decides_does_nothing(path: Path) -> None:
    doing = {name.split(".")[0] for name in imported(path)} & DOING

    assert not doing or dotted(path) in DOERS


@pytest.mark.parametrize("path", modules(), ids=dotted)
def test_modules_stay_small(path: Path) -> None:
    assert len(path.read_text().splitlines()) <= 500


def test_every_listed_doer_exists() -> None:
    assert {dotted(path) for path in modules()} >= DOERS


@pytest.mark.parametrize("path", modules(), ids=dotted)
def test_functions_stay_under_sixty_lines(path: Path) -> None:
    long = [
        node.name
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and (node.end_lineno or node.lineno) - node.lineno >= 60
    ]

    assert not long
