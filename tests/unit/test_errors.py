"""The tree of exceptions is as its docstring draws it, and every error carries data and a cure."""

import inspect
import re

import pytest

from harness import errors
from harness.errors import (
    ConnectRefused,
    CorruptHistory,
    FetchFailed,
    HarnessError,
    InsertInDoubt,
    OutputClosed,
    StackError,
    UsageError,
)

CLASSES = [one for _, one in inspect.getmembers(errors, inspect.isclass) if issubclass(one, HarnessError)]


def drawn() -> dict[str, str]:
    """Class → base, as the picture in the docstring has them."""
    parents: dict[int, str] = {}
    found: dict[str, str] = {}
    for line in (errors.__doc__ or "").splitlines():
        match = re.match(r"^( {4}[│ ├└─]*)([A-Z]\w+)", line)
        if match:
            depth = (len(match.group(1)) - 4) // 4
            parents[depth] = match.group(2)
            if depth:
                found[match.group(2)] = parents[depth - 1]
    return found


def test_the_tree_is_as_it_is_drawn() -> None:
    assert drawn() == {one.__name__: one.__bases__[0].__name__ for one in CLASSES if one is not HarnessError}


@pytest.mark.parametrize("error", CLASSES)
def test_an_error_is_definite_unless_it_may_hide_a_success(error: type[HarnessError]) -> None:
    assert error.definite is (error is not InsertInDoubt)


def test_the_exit_codes_are_those_of_the_contract() -> None:
    codes = {one.__name__: one.exit_code for one in CLASSES}

    assert {name for name, code in codes.items() if code == 64} == {
        "ClientMissing",
        *(one.__name__ for one in CLASSES if issubclass(one, UsageError)),
    }
    assert codes.pop("OutputClosed") == OutputClosed().exit_code == 141
    assert set(codes.values()) == {2, 64}
    assert StackError.exit_code == 2


def test_messages_are_made_of_the_data() -> None:
    corrupt = CorruptHistory("h.jsonl", 7, "the line is cut off", 5)

    assert (corrupt.line, corrupt.intact) == (7, 5)
    assert str(corrupt) == "h.jsonl, line 7: the line is cut off; the 5 ops before it are intact, nothing was changed"
    assert str(ConnectRefused(401, "")) == "the server refused the socket with HTTP 401: no body"
    assert str(FetchFailed("http://x", 0, "no route")) == "http://x did not answer: no route"
    assert str(FetchFailed("http://x", 404, "no such process")) == "http://x answered 404: no such process"
