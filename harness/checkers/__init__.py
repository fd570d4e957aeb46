"""WHAT it means: claims over a history, one file each, named as in contract 9."""

from collections.abc import Mapping
from typing import Final

from harness.checkers.accounting import Accounting
from harness.checkers.checker import Checker, Finding, Valid, Verdict, compose, judge
from harness.checkers.content import Content
from harness.checkers.convergence import Convergence
from harness.checkers.order import Order

CHECKERS: Final[Mapping[str, type[Checker]]] = {
    "accounting": Accounting,
    "order": Order,
    "content": Content,
    "convergence": Convergence,
}
"""What exists, by the names of contract 9. Each can be made without arguments."""

__all__ = [
    "CHECKERS",
    "Accounting",
    "Checker",
    "Content",
    "Convergence",
    "Finding",
    "Order",
    "Valid",
    "Verdict",
    "compose",
    "judge",
]
