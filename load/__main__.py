"""`python -m load` (`make load`): load runs from outside, by command; see `COMMANDS`.

Exit code 0 if what is expected is what was found, 1 if not, 2 if that cannot be said, 64 for wrong usage, told before
any stack comes up, 130 if interrupted.
"""

import sys
from collections.abc import Callable, Mapping, Sequence
from typing import Final

from harness.errors import HarnessError
from harness.output import note
from harness.signals import INTERRUPTED
from load.commands import compare, distributed, knee, side_by_side, soak
from load.commands.running import interrupt_on_signals

COMMANDS: Final[Mapping[str, Callable[[Sequence[str]], int]]] = {
    "compare": compare.main,
    "distributed": distributed.main,
    "knee": knee.main,
    "side-by-side": side_by_side.main,
    "soak": soak.main,
}
"""By name; without one it is `compare`."""


def main(argv: Sequence[str]) -> int:
    name, rest = (argv[0], argv[1:]) if argv and argv[0] in COMMANDS else ("compare", argv)
    try:
        return COMMANDS[name](rest)
    except HarnessError as error:
        note(str(error))
        return error.exit_code
    except KeyboardInterrupt:
        note("interrupted")
        return INTERRUPTED


if __name__ == "__main__":
    interrupt_on_signals()
    sys.exit(main(sys.argv[1:]))
