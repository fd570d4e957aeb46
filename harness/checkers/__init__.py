"""WHAT it means: claims over a history, one file each, named as in contract 9."""

from collections.abc import Mapping
from typing import Final

from harness.checkers.accounting import Accounting
from harness.checkers.canary import Canary
from harness.checkers.checker import Checker, Finding, Valid, Verdict, compose, judge
from harness.checkers.content import Content
from harness.checkers.convergence import Convergence
from harness.checkers.cursor_safety import CursorSafety
from harness.checkers.duplicates import Duplicates
from harness.checkers.errors_surfaced import ErrorsSurfaced
from harness.checkers.generator_health import GeneratorHealth
from harness.checkers.latency import Latency
from harness.checkers.order import Order
from harness.checkers.payload import Payload
from harness.checkers.rate_bound import RateBound
from harness.checkers.readiness import Readiness
from harness.checkers.recovery import Recovery
from harness.checkers.resources import Resources
from harness.checkers.retry_storm import RetryStorm
from harness.checkers.routing import Routing
from harness.checkers.row_security import RowSecurity
from harness.checkers.staleness import Staleness
from harness.checkers.status import Status
from harness.checkers.tokens import Tokens
from harness.checkers.value_fidelity import ValueFidelity
from harness.checkers.workflow import Workflow

CHECKERS: Final[Mapping[str, type[Checker]]] = {
    "accounting": Accounting,
    "order": Order,
    "content": Content,
    "duplicates": Duplicates,
    "readiness": Readiness,
    "recovery": Recovery,
    "cursor_safety": CursorSafety,
    "convergence": Convergence,
    "row_security": RowSecurity,
    "routing": Routing,
    "payload": Payload,
    "value_fidelity": ValueFidelity,
    "workflow": Workflow,
    "staleness": Staleness,
    "rate_bound": RateBound,
    "canary": Canary,
    "status": Status,
    "tokens": Tokens,
    "errors_surfaced": ErrorsSurfaced,
    "retry_storm": RetryStorm,
    "resources": Resources,
    "latency": Latency,
    "generator_health": GeneratorHealth,
}
"""What exists, by the names of contract 9. Each can be made without arguments."""

__all__ = [
    "CHECKERS",
    "Accounting",
    "Canary",
    "Checker",
    "Content",
    "Convergence",
    "CursorSafety",
    "Duplicates",
    "ErrorsSurfaced",
    "Finding",
    "GeneratorHealth",
    "Latency",
    "Order",
    "Payload",
    "RateBound",
    "Readiness",
    "Recovery",
    "Resources",
    "RetryStorm",
    "Routing",
    "RowSecurity",
    "Staleness",
    "Status",
    "Tokens",
    "Valid",
    "ValueFidelity",
    "Verdict",
    "Workflow",
    "compose",
    "judge",
]
