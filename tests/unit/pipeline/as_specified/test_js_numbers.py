"""Numbers as JavaScript has them; what is expected was written by Node 20."""

import math
from typing import Any

import pytest

from harness.pipeline.as_specified.js_numbers import js_numbers


@pytest.mark.parametrize(
    ("value", "there"),
    [
        (9007199254740992, 9007199254740992),
        (9007199254740993, 9007199254740992),
        (-9007199254740993, -9007199254740992),
        (1234567890123456789, 1234567890123456768),
        (7, 7),
        (True, True),
        (None, None),
        ("9007199254740993", "9007199254740993"),
        ({"a": [9007199254740993, {"b": 1.5}]}, {"a": [9007199254740992, {"b": 1.5}]}),
        (10**400, math.inf),
        (-(10**400), -math.inf),
    ],
)
def test_a_value_is_what_a_browser_makes_of_it(value: Any, there: Any) -> None:
    assert js_numbers(value) == there
