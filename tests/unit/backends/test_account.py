"""What the last words of a failed program mean."""

from pathlib import Path

from harness.backends.account import failure
from harness.errors import DiskFull, PostgresFailed


def test_a_log_that_tells_of_no_space_is_a_full_disk() -> None:
    log = 'initdb: error: could not write file "/tmp/x/data/pg_wal": No space left on device\n'

    error = failure("initdb", log, Path("/tmp/x"))

    assert isinstance(error, DiskFull)
    assert error.path == "/tmp/x"


def test_any_other_log_is_told_by_its_last_lines() -> None:
    log = "".join(f"line {number}\n" for number in range(100))

    error = failure("postgres", log, Path("/tmp/x"))

    assert isinstance(error, PostgresFailed)
    assert error.log.splitlines() == [f"line {number}" for number in range(85, 100)]


def test_a_silent_failure_still_says_which_program_it_was() -> None:
    assert str(failure("initdb", "", Path("/tmp/x"))) == "initdb failed: it said nothing"
