"""The public names of the package: what a scenario or a user's test may import."""

import harness
from harness import checkers, generators

PUBLIC = ["Finding", "History", "Op", "Scenario", "Valid", "Verdict", "checkers", "generators"]


def test_the_public_names_are_these() -> None:
    assert sorted(harness.__all__) == sorted(PUBLIC)


def test_every_public_name_exists() -> None:
    missing = [
        f"{module.__name__}.{name}"
        for module in (harness, checkers, generators)
        for name in module.__all__
        if not hasattr(module, name)
    ]

    assert not missing
