import io
import sys

import pytest
from rich.console import Console

from harness.history import Op
from harness.report.progress import EVERY_S, Progress
from tests.histories.clean import clean_run


class Clock:
    def __init__(self) -> None:
        self.time = 100.0

    def __call__(self) -> float:
        return self.time


def a_progress(*, terminal: bool = False) -> tuple[Progress, Clock, io.StringIO]:
    clock, out = Clock(), io.StringIO()
    console = Console(file=out, force_terminal=terminal, width=200, color_system=None)
    return Progress("full_flow, seed 7", clock, console=console), clock, out


def test_the_line_tells_step_counts_and_readers() -> None:
    progress, clock, _ = a_progress()

    for op in clean_run():
        progress(op)
    clock.time += 12.3

    assert progress.line() == (
        "full_flow, seed 7  12 s | StartProcess | 47 emitted, 47 committed | "
        "reader-1: 47 applied, left | reader-2: 47 applied, left"
    )


def test_without_a_terminal_a_plain_line_comes_every_few_seconds() -> None:
    progress, clock, out = a_progress()
    ops: list[Op] = list(clean_run())[:30]

    with progress:
        for op in ops:
            progress(op)
            clock.time += EVERY_S / 10

    lines = out.getvalue().splitlines()
    assert len(lines) == 2
    assert lines[0].startswith("full_flow, seed 7  5 s | ")
    assert "\x1b" not in out.getvalue()


def test_before_the_first_op_it_is_starting() -> None:
    progress, _, _ = a_progress()

    assert progress.line() == "full_flow, seed 7  0 s | starting | 0 emitted, 0 committed"


def test_on_a_terminal_the_line_is_gone_at_the_end() -> None:
    progress, _, out = a_progress(terminal=True)

    with progress:
        for op in clean_run():
            progress(op)

    assert "47 emitted" in out.getvalue()
    assert out.getvalue().endswith("\x1b[2K")  # the line is erased


def test_results_that_go_elsewhere_do_not_go_through_the_line(capsys: pytest.CaptureFixture[str]) -> None:
    progress, _, out = a_progress(terminal=True)

    with progress:
        sys.stdout.write("a result\n")

    assert capsys.readouterr().out == "a result\n"
    assert "a result" not in out.getvalue()
