"""`OwnCommits`: of what the witness sees, only what this worker has written goes into its part of the history.

A sink between the recorder of the publishing process and its file. Each of several workers has a witness, and each
witness sees the commits of all: without this a commit would be told once for each worker.
"""

from collections.abc import Container
from dataclasses import replace

from harness.history import Op
from harness.history.hops import COMMIT
from harness.history.recorder import Sink


class OwnCommits:
    """Passes on every op but commits to processes that are not in `own`, which may grow, numbered without gaps.

    What the witness says of its own failure is everybody's.
    """

    def __init__(self, sink: Sink, own: Container[str]) -> None:
        self._sink = sink
        self._own = own
        self._left_out = 0

    def __call__(self, op: Op) -> None:
        if op.f == COMMIT and op.type == "ok" and op.value.get("process_id") not in self._own:
            self._left_out += 1
        else:
            self._sink(replace(op, index=op.index - self._left_out))
