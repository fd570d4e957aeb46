"""Numbers as JavaScript has them: every one is a double, so integers above 2^53 are rounded (B23, realtime-facts 7.1).

Between the client and the hook: what a browser makes of JSON before any code of the application sees it.
"""

import math
from typing import Any, Final

SAFE: Final = 2**53
"""The largest integer up to which JavaScript has them all."""


def js_numbers(value: Any) -> Any:
    """The JSON value as `JSON.parse` gives it. What no double can hold becomes infinite, as there."""
    if isinstance(value, int) and not isinstance(value, bool):
        return value if abs(value) <= SAFE else _double(value)
    if isinstance(value, dict):
        return {key: js_numbers(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [js_numbers(item) for item in value]
    return value


def _double(value: int) -> int | float:
    try:
        return int(float(value))
    except OverflowError:
        return math.inf if value > 0 else -math.inf
