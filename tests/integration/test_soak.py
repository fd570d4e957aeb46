"""A soak of seconds for real: each process is measured, and what is said of their memory is written."""

import json
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent.parent
SMALL = ("--writers=1", "--readers=1", "--churners=0", "--storm=0", "--minutes=0.15", "--seconds=5", "--warm-up=1")

# Looked for and not imported: locust would patch this process.
pytestmark = pytest.mark.skipif(find_spec("locust") is None, reason="the extra `load` is not installed")


def test_every_process_is_measured_and_too_short_a_soak_says_nothing_of_memory(tmp_path: Path) -> None:
    ran = subprocess.run(
        [sys.executable, "-m", "load", "soak", "--cadence=instant", f"--runs={tmp_path}", *SMALL],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=90,
        check=False,
    )

    assert ran.returncode == 2, ran.stderr
    told = json.loads((tmp_path / "latest" / "soak.json").read_text())
    assert told["plan"]["generations"] == 2
    assert told["figures"]["events offered"] == 2 * 5 * 10
    assert {name: each["valid"] for name, each in told["memory"].items()} == dict.fromkeys(
        ("engine", "postgres", "locust", "publishing"), "unknown"
    )
    assert all(told["figures"][f"{process} memory MiB"] > 10 for process in told["memory"])
    assert told["claims"]["order"] == "valid"
