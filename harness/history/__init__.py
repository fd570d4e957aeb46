"""WHAT happened: ops, the hops they tell of, the pen that writes them and the store that keeps them."""

from harness.history.history import History
from harness.history.op import Op, Value
from harness.history.recorder import Recorder

__all__ = ["History", "Op", "Recorder", "Value"]
