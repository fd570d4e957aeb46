"""The JSON in the body of an HTTP request, as the real server takes it: the door of broadcasts and admin API."""

import json
import math
from typing import Any, NoReturn


def parse(body: bytes) -> Any:
    """The value of a JSON text in UTF-8.

    Raises `ValueError` for what is none: NaN, a number that no double can hold, a lone surrogate, endless nesting.
    """
    try:
        value = json.loads(body.decode(), parse_constant=_refuse, parse_float=_finite)
        if b"\\u" in body:  # only an escape can smuggle in half a surrogate pair
            json.dumps(value, ensure_ascii=False).encode()
    except RecursionError as error:
        raise ValueError("this is nested too deeply") from error
    return value


def _refuse(name: str) -> NoReturn:
    raise ValueError(f"{name} is no JSON")


def _finite(digits: str) -> float:
    number = float(digits)
    if math.isinf(number):
        raise ValueError(f"{digits} is too large for a double")
    return number
