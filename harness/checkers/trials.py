"""The case of each checker, by its name: what the report tries the judges on. A dict literal lists them."""

from collections.abc import Mapping
from typing import Final

from harness.checkers import CHECKERS
from harness.checkers.trial import Case, Trial, try_out
from harness.checkers.trials_connection import CONNECTION
from harness.checkers.trials_delivery import DELIVERY

TRIALS: Final[Mapping[str, Case]] = {**DELIVERY, **CONNECTION}


def trial(name: str) -> Trial | None:
    """How the checker of that name, with its defaults, does on its case; None for what is no checker of ours."""
    return try_out(name, CHECKERS[name](), TRIALS[name]) if name in TRIALS else None
