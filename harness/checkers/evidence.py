"""The ops that show a finding, as a finding carries them."""

from harness.history import Op


def in_order(*ops: Op | None) -> tuple[Op, ...]:
    """Those that there are, each once, in the order of the history."""
    there = {op.index: op for op in ops if op is not None}
    return tuple(there[index] for index in sorted(there))
