"""Where a command speaks: results on stdout, all else on stderr."""

import sys

from harness.errors import OutputClosed, OutputRefused


def result(text: str) -> None:
    """To stdout, at once; raises `OutputClosed` if nobody reads it, `OutputRefused` if it cannot be written."""
    try:
        sys.stdout.write(text + "\n")
        sys.stdout.flush()
    except BrokenPipeError as error:
        raise OutputClosed from error
    except OSError as error:
        raise OutputRefused(error.strerror or str(error)) from error


def note(text: str) -> None:
    """To stderr, as everything that is no result."""
    sys.stderr.write(f"harness: {text}\n")
    sys.stderr.flush()
