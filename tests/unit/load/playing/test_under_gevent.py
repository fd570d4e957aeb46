"""What imports gevent or Locust, tested where it lives: pytest in a process of its own, patched before anything else.

The tests are in the files `gevent_*.py` beside, which pytest does not collect by itself.
"""

import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[4]
FILES = sorted((ROOT / "tests" / "unit" / "load").rglob("gevent_*.py"))

# Looked for and not imported: locust would patch this process.
pytestmark = pytest.mark.skipif(find_spec("locust") is None, reason="the extra `load` is not installed")


def test_all_of_them_pass() -> None:
    ran = subprocess.run(
        [sys.executable, "-m", "gevent.monkey", "--module", "pytest", "-q", "-p", "no:cacheprovider", *map(str, FILES)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )

    assert FILES
    assert ran.returncode == 0, ran.stdout + ran.stderr
