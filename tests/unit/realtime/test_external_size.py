"""Sizes by Erlang's external term format; the limits as the recording p09b met them."""

from typing import Any

import pytest

from harness.realtime.external_size import external_size, user_payload_size


@pytest.mark.parametrize(
    ("value", "size"),
    [
        (None, 6),
        (True, 7),
        (False, 8),
        ("", 6),
        ("ü", 8),
        (0, 3),
        (255, 3),
        (256, 6),
        (-1, 6),
        (1 << 31, 8),
        (1.5, 10),
        (b"\x00\xff", 8),
        ([], 2),
        ([1, 2, 3], 7),
        ([1, 256], 14),
        (["a"], 13),
        ({}, 6),
        ({"a": 1}, 14),
    ],
)
def test_a_value_takes_what_erlang_says(value: Any, size: int) -> None:
    assert external_size(value) == size


def test_a_list_of_bytes_is_a_string_only_up_to_65535() -> None:
    assert external_size([1] * 65_535) == 1 + 3 + 65_535
    assert external_size([1] * 65_536) == 1 + 5 + 2 * 65_536 + 1


def test_booleans_in_a_list_are_no_bytes() -> None:
    assert external_size([True]) == 1 + 5 + 6 + 1


def test_the_recorded_payloads_fall_on_their_sides_of_one_kilobyte() -> None:
    def push(letters: int) -> dict[str, Any]:
        return {"type": "broadcast", "event": f"s{letters}", "payload": {"k": "x" * letters}}

    verdicts = [external_size(push(letters)) > 1500 for letters in (500, 1300, 1400, 1450, 1480, 1600)]

    assert verdicts == [False, False, False, True, True, True]


@pytest.mark.parametrize(("is_json", "atom"), [(False, "binary"), (True, "json")])
def test_a_binary_push_is_measured_with_its_envelope(is_json: bool, atom: str) -> None:
    size = user_payload_size("bin", b"x" * 900, {}, is_json=is_json)

    assert size == 1 + 2 + (5 + 3) + (2 + len(atom)) + (5 + 900) + 5
