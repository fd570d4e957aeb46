"""The stack that is loaded, a fresh one for each run: `harness up --limits off` in a process of its own."""

import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from harness.backends.environment import Environment
from harness.errors import StackError, UsageError

_GOODBYE_S: Final = 15.0


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadedStack:
    """A stack by the file that names it, for `--env-file`, and by its process."""

    file: Path
    pid: int


@contextmanager
def fresh_stack(*, cadence: str) -> Iterator[LoadedStack]:
    """A stack whose file only its owner can read; it goes with the stack.

    Raises `StackError` if the stack does not come up.
    """
    command = [sys.executable, "-m", "harness", "up", "--json", "--limits", "off", "--cadence", cadence]
    with tempfile.TemporaryDirectory(prefix="rh-load-") as folder:
        process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        try:
            assert process.stdout is not None, "it is a pipe"
            line = process.stdout.readline()
            if not line:
                raise StackError("`harness up` has ended; it says why above")
            file = Path(folder) / "stack.env"
            file.touch(mode=0o600)
            file.write_text(_environment(line).lines(), encoding="utf-8")
            yield LoadedStack(file=file, pid=process.pid)
        finally:
            _end(process)


def _environment(line: str) -> Environment:
    """What the first line of `harness up --json` tells; raises `StackError` if it is no such line.

    The line is not repeated: it may hold keys.
    """
    try:
        return Environment.parse(json.dumps(json.loads(line)))
    except (ValueError, UsageError) as error:
        raise StackError(f"`harness up` has not told of a stack: {error}") from error


def _end(process: "subprocess.Popen[str]") -> None:
    process.terminate()
    try:
        process.communicate(timeout=_GOODBYE_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.communicate()
