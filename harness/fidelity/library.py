"""Where the recordings lie: in the checkout or inside the wheel, compressed, or in files of one's own."""

import lzma
from collections.abc import Mapping
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Final

from harness.errors import InvalidRecording, UnknownRecording
from harness.fidelity.recording import Recording, parse

SUFFIXES: Final = (".jsonl.xz", ".jsonl")
_SCHEMA: Final = "schema.sql"


def recording_folder() -> Path:
    """The recordings that come with the harness, and the schema that they expect."""
    package = Path(__file__).parent.parent
    checkout = package.parent / "tests" / "fidelity" / "recordings"
    return checkout if (package.parent / "pyproject.toml").exists() else package / "_recordings"


def schema() -> str:
    """The SQL that makes the tables, roles and policies of the recordings."""
    return (recording_folder() / _SCHEMA).read_text(encoding="utf-8")


def known() -> Mapping[str, Path]:
    """Name → file of every recording that comes with the harness."""
    files = (file for file in sorted(recording_folder().iterdir()) if file.name.endswith(SUFFIXES))
    return {name_of(file): file for file in files}


def name_of(file: Path) -> str:
    """`p01_basic.v1` for `p01_basic.v1.jsonl.xz`."""
    for suffix in SUFFIXES:
        if file.name.endswith(suffix):
            return file.name.removesuffix(suffix)
    return file.name


def select(wanted: list[str]) -> Mapping[str, Path]:
    """The recordings of these names, patterns (`p0?_*`) or paths, all of ours if there are none.

    A name without version means both. Raises `UnknownRecording`.
    """
    ours = known()
    if not wanted:
        return ours
    chosen: dict[str, Path] = {}
    for each in wanted:
        if each.endswith(SUFFIXES) and Path(each).is_file():
            chosen[name_of(Path(each))] = Path(each)
            continue
        found = {name: file for name, file in ours.items() if _means(each, name)}
        if not found:
            raise UnknownRecording(each, list(ours))
        chosen |= found
    return chosen


def read(file: Path) -> Recording:
    """The recording in a file; raises `InvalidRecording`."""
    try:
        data = file.read_bytes()
        text = (lzma.decompress(data) if file.suffix == ".xz" else data).decode()
    except (OSError, lzma.LZMAError, UnicodeDecodeError) as error:
        raise InvalidRecording(str(file), str(error)) from error
    # Not splitlines: it would also cut at characters that may stand inside a line.
    return parse(name_of(file), text.rstrip("\n").split("\n"))


def _means(wanted: str, name: str) -> bool:
    family, _, version = name.rpartition(".")
    short = family.partition("_")[0]
    return fnmatchcase(name, wanted) or wanted in (family, short, f"{short}.{version}")
