"""WHAT it means: claims over a history, one file each, named as in contract 9."""

from collections.abc import Mapping
from typing import Final

from harness.checkers.accounting import Accounting
from harness.checkers.checker import Checker, Finding, Valid, Verdict, compose, judge
from harness.checkers.content import Content
from harness.checkers.convergence import Convergence
from harness.checkers.order import Order
from harness.checkers.row_security import RowSecurity

CHECKERS: Final[Mapping[str, type[Checker]]] = {
    "accounting": Accounting,
    "order": Order,
    "content": Content,
    "convergence": Convergence,
    "row_security": RowSecurity,
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
    "RowSecurity",
    "Valid",
    "Verdict",
    "compose",
    "judge",
]
