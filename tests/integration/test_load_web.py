"""Locust's web UI with our form, our tab and our verdict, in a real browser: two runs, one after another."""

import json
import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

from load.commands.stack import fresh_stack

ROOT = Path(__file__).parent.parent.parent
SCRIPT = ROOT / "tests" / "js" / "locust_ui.mjs"
SMALL = ("--writers=2", "--readers=2", "--churners=0", "--storm=1", "--seconds=5", "--warm-up=1")

# Looked for and not imported: locust would patch this process.
pytestmark = pytest.mark.skipif(find_spec("locust") is None, reason="the extra `load` is not installed")


@pytest.fixture
def browser() -> str:
    """Where Chromium is; skips, or fails where nothing may be skipped, without what drives it."""
    found = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    missing = {
        "Chromium": found is None,
        "Node": shutil.which("node") is None,
        "playwright-core (npm ci in tests/js)": not (SCRIPT.parent / "node_modules" / "playwright-core").exists(),
    }
    without = ", ".join(name for name, is_missing in missing.items() if is_missing)
    if without:
        if os.environ.get("HARNESS_NO_SKIP") == "1":
            pytest.fail(f"without {without}")
        pytest.skip(f"without {without}")
    assert found is not None, "it is not missing"
    return found


def a_free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def locust(folder: Path, env_file: Path, port: int) -> Iterator[Path]:
    """Locust with its web UI, which writes its runs in `folder`; its log."""
    command = [sys.executable, "-m", "locust", "-f", str(ROOT / "load" / "locustfile.py"), f"--web-port={port}"]
    log = folder / "locust.log"
    with log.open("w") as out:
        process = subprocess.Popen(
            [*command, f"--env-file={env_file}", *SMALL],
            cwd=folder,
            stdout=out,
            stderr=out,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
        )
        try:
            yield log
        finally:
            process.terminate()
            process.wait(timeout=20)


def used(browser: str, url: str, folder: Path) -> dict[str, Any]:
    """What a user of the browser saw."""
    node = ["node", str(SCRIPT), browser, url, str(folder)]
    ran = subprocess.run(node, capture_output=True, text=True, timeout=100, check=False)
    assert ran.returncode == 0, ran.stderr
    seen: dict[str, Any] = json.loads(ran.stdout)
    return seen


def wait_for(port: int, log: Path) -> None:
    """Until somebody listens there."""
    for _ in range(300):
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.1)
    pytest.fail(f"Locust does not listen: {log.read_text()}")


def result(folder: Path) -> dict[str, Any]:
    told: dict[str, Any] = json.loads((folder / "result.json").read_text())
    return told


@pytest.mark.timeout(150)
def test_a_run_is_chosen_watched_and_judged_in_a_browser_twice(browser: str, tmp_path: Path) -> None:
    port = a_free_port()
    with fresh_stack(cadence="instant") as stack, locust(tmp_path, stack.file, port) as log:
        wait_for(port, log)
        seen = used(browser, f"http://127.0.0.1:{port}/", tmp_path)
        told = log.read_text()

    assert {"off", "as-specified", "lossless"} <= set(seen["debounce"])
    assert seen["fields"][:2] == ["debounce", "app"]
    assert {"writers", "rate", "seconds", "seed"} <= set(seen["fields"])
    assert not {"userCount", "spawnRate", "host", "envFile", "jwtSecret"} & set(seen["fields"])
    assert seen["refused"] == "--warm-up 99 leaves nothing of --seconds 5 to be measured"
    assert seen["errors"] == []

    assert seen["running"] == "running"
    assert seen["charts"] == [
        ["delivery: due until shown", True],
        ["events per second", True],
        ["publish: due until inserted", True],
    ]
    assert seen["types"] > 3

    first, second = sorted((tmp_path / "runs" / "load").iterdir())
    assert seen["first"]["standing"] == result(first)["valid"] != "invalid", seen["first"]["told"]
    assert (result(first)["plan"]["debounce"], result(first)["figures"]["text kept %"]) == ("lossless", 100)
    assert seen["second"]["standing"] == result(second)["valid"], seen["second"]["told"]
    assert result(second)["plan"]["debounce"] == "as-specified"
    assert result(second)["figures"]["text kept %"] < 60
    assert seen["page"].split() == ["as-specified", result(second)["valid"]]
    assert (first / "report.html").exists()
    assert f"Starting web interface at http://127.0.0.1:{port}" in told
