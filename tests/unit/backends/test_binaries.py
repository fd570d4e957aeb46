"""Finding PostgreSQL in made-up folders whose `postgres` only tells a version."""

from pathlib import Path

import pytest

from harness.backends.binaries import Place, find_binaries, major, parse_version
from harness.errors import PostgresNotFound


def a_bin_folder(folder: Path, *, version: str = "18.6", programs: tuple[str, ...] = ("initdb", "postgres")) -> Path:
    folder.mkdir(parents=True)
    for name in programs:
        (folder / name).write_text(f"#!/bin/sh\necho '{name} (PostgreSQL) {version}'\n")
        (folder / name).chmod(0o755)
    return folder


def test_the_first_usable_place_is_taken(tmp_path: Path) -> None:
    first = a_bin_folder(tmp_path / "first", version="17.2")
    second = a_bin_folder(tmp_path / "second")

    found = find_binaries(places=[Place(name="a", folder=first), Place(name="b", folder=second)])

    assert found == first


def test_places_that_are_no_good_are_passed_over(tmp_path: Path) -> None:
    old = a_bin_folder(tmp_path / "old", version="13.9")
    good = a_bin_folder(tmp_path / "good", version="14.0")

    found = find_binaries(
        places=[Place(name="a", why="not installed"), Place(name="b", folder=old), Place(name="c", folder=good)]
    )

    assert found == good


def test_an_explicit_folder_is_the_only_one_looked_at(tmp_path: Path) -> None:
    good = a_bin_folder(tmp_path / "good")

    with pytest.raises(PostgresNotFound) as refused:
        find_binaries(tmp_path / "nowhere", places=[Place(name="wheel", folder=good)])

    assert refused.value.looked == [
        f"HARNESS_PG_BIN: no initdb and no postgres that we may run in {tmp_path / 'nowhere'}"
    ]


def test_everything_that_was_looked_at_is_told_with_its_reason(tmp_path: Path) -> None:
    old = a_bin_folder(tmp_path / "old", version="13.9")
    client_only = a_bin_folder(tmp_path / "client", programs=("psql",))
    half = a_bin_folder(tmp_path / "half", programs=("postgres",))
    mute = a_bin_folder(tmp_path / "mute", version="")

    with pytest.raises(PostgresNotFound) as refused:
        find_binaries(
            places=[
                Place(name="wheel", why="not installed"),
                Place(name="pg_config", folder=client_only),
                Place(name="Debian", folder=old),
                Place(name="Homebrew", folder=half),
                Place(name="PATH", folder=mute),
            ]
        )

    assert refused.value.looked == [
        "wheel: not installed",
        f"pg_config: no initdb and no postgres that we may run in {client_only}",
        f"Debian: {old} is PostgreSQL 13.9, older than 14",
        f"Homebrew: no initdb that we may run in {half}",
        f"PATH: {mute / 'postgres'} does not run or does not tell its version",
    ]


@pytest.mark.parametrize(
    ("told", "version", "number"),
    [
        ("postgres (PostgreSQL) 18.6\n", "18.6", 18),
        ("postgres (PostgreSQL) 15.20 (Debian 15.20-0+deb12u1)\n", "15.20", 15),
        ("postgres (PostgreSQL) 19beta1\n", "19beta1", 19),
    ],
)
def test_versions_are_read_as_they_are_printed(told: str, version: str, number: int) -> None:
    parsed = parse_version(told)

    assert parsed == version
    assert major(parsed) == number


def test_something_else_tells_no_version() -> None:
    assert parse_version("mysqld 8.0") is None
