"""What is made of the first line of the stack's process."""

import io
import json
import subprocess

import pytest

from harness.errors import StackError
from load.commands.stack import fresh_stack


class Told:
    """In place of the process: it says one line, and ends when it is told to."""

    pid = 1

    def __init__(self, line: str) -> None:
        self.stdout = io.StringIO(f"{line}\n")
        self.ended = False

    def terminate(self) -> None:
        self.ended = True

    def communicate(self, timeout: float | None = None) -> tuple[str, None]:
        return self.stdout.read(), None


@pytest.mark.parametrize("line", ["Traceback: it is no JSON", json.dumps({"JWT_SECRET": "secret"}), "[1]"])
def test_a_first_line_that_tells_no_stack_is_a_sentence_without_what_it_holds(
    line: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    process = Told(line)
    monkeypatch.setattr(subprocess, "Popen", lambda *_, **__: process)

    with pytest.raises(StackError, match="has not told of a stack") as refused, fresh_stack(cadence="real"):
        pytest.fail("there is no stack")

    assert line not in str(refused.value)
    assert process.ended
