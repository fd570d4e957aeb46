"""Keeps histories: JSON lines in a run folder, written while the run goes on, read back whole or not at all."""

import errno
import json
import math
from collections.abc import Iterator, Mapping
from datetime import datetime
from io import FileIO
from itertools import count
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self, get_args

from harness.errors import CorruptHistory, DiskFull, HarnessError, HistoryError, NewerHistory
from harness.history.history import History
from harness.history.op import Op, Type, Value
from harness.history.secrets import hide_secrets

FORMAT: Final = 1
FILE: Final = "history.jsonl"

_TYPES: Final = frozenset(get_args(Type))
_CUT: Final = "the line is cut off"


class HistoryWriter:
    """Streams the ops of a run to a file; a sink of `Recorder`.

    Every line is with the operating system before the call returns, so a killed run leaves a history that can be
    read up to its last op. Tokens and passwords are hidden on the way. Raises `DiskFull`.
    """

    def __init__(self, path: Path, header: Mapping[str, Any]) -> None:
        self._path = path
        self._file = self._open()
        try:
            self._write({"format": FORMAT, **{key: item for key, item in header.items() if key != "format"}})
        except HarnessError:
            self._file.close()
            raise

    def __call__(self, op: Op) -> None:
        self._write(as_json(op))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Nothing is written after this. Safe to call twice."""
        self._file.close()

    def _open(self) -> FileIO:
        try:
            return self._path.open("wb", buffering=0)
        except OSError as error:
            raise _refused(error, self._path) from error

    def _write(self, line: Mapping[str, Any]) -> None:
        text = hide_secrets(json.dumps(line, ensure_ascii=False, separators=(",", ":"), allow_nan=False))
        # A lone surrogate becomes \udXXX by `backslashreplace`: exactly its spelling in JSON.
        rest = memoryview(f"{text}\n".encode(errors="backslashreplace"))
        try:
            while rest:
                rest = rest[self._file.write(rest) :]
        except OSError as error:
            raise _refused(error, self._path) from error


def as_json(op: Op) -> dict[str, Any]:
    """An op as the object of its line; `error` only where there is one."""
    line = {
        "index": op.index,
        "time": round(op.time, 6),
        "actor": op.actor,
        "f": op.f,
        "type": op.type,
        "value": dict(op.value),
    }
    return line if op.error is None else {**line, "error": op.error}


def create_run_folder(runs: Path, scenario: str, seed: int, wall: datetime) -> Path:
    """A new folder `runs/<scenario>/<UTC time>-<seed>`, with `runs/latest` pointing to it.

    Two runs in the same second get different folders. The link is replaced at once: it never points nowhere.
    """
    stamp = f"{wall:%Y%m%dT%H%M%SZ}-{seed}"
    for attempt in count(1):
        folder = runs / scenario / (stamp if attempt == 1 else f"{stamp}-{attempt}")
        try:
            folder.mkdir(parents=True)
        except FileExistsError:
            continue
        except OSError as error:
            raise _refused(error, folder) from error
        break
    _point_latest(runs, folder)
    return folder


def _point_latest(runs: Path, folder: Path) -> None:
    fresh = runs / f".latest-{folder.parent.name}-{folder.name}"
    try:
        fresh.symlink_to(folder.relative_to(runs), target_is_directory=True)
        fresh.replace(runs / "latest")
    except OSError as error:
        fresh.unlink(missing_ok=True)
        raise _refused(error, runs / "latest") from error


def write_text(path: Path, text: str) -> None:
    """Write a file of a run folder whole; raises `HistoryError` or `DiskFull`."""
    try:
        path.write_text(text, encoding="utf-8", errors="backslashreplace")
    except OSError as error:
        raise _refused(error, path) from error


def history_file(path: Path) -> Path:
    """The history that `path` means: itself, or the one in that run folder."""
    return path / FILE if path.is_dir() else path


def read(path: Path) -> tuple[Mapping[str, Any], History]:
    """The header and the ops of a history file, or of a run folder. The file is never changed.

    Raises `CorruptHistory` with the line where reading had to stop, `NewerHistory`, or `HistoryError` if there is
    no such file.
    """
    file = history_file(path)
    lines = _lines(file)
    header = _header(file, next(lines, b""))
    return header, History(
        _op(file, number, line, index) for index, (number, line) in enumerate(enumerate(lines, start=2))
    )


def _lines(path: Path) -> Iterator[bytes]:
    try:
        with path.open("rb") as file:
            yield from file
    except OSError as error:
        raise HistoryError(f"{path} cannot be read: {error.strerror}") from error


def _header(path: Path, line: bytes) -> Mapping[str, Any]:
    found = _object(path, 1, line, 0) if line.strip() else {}
    version = found.get("format")
    if type(version) is not int or version < 1:
        raise CorruptHistory(str(path), 1, "the first line is no header of a history", 0)
    if version > FORMAT:
        raise NewerHistory(str(path), version, FORMAT)
    return found


def _op(path: Path, number: int, line: bytes, index: int) -> Op:
    found = _object(path, number, line, index)
    reason = _fault(found, index)
    if reason:
        raise CorruptHistory(str(path), number, reason, index)
    return Op(
        index=index,
        time=float(found["time"]),
        actor=found["actor"],
        f=found["f"],
        type=found["type"],
        value=Value(found["value"]),
        error=found.get("error"),
    )


def _object(path: Path, number: int, line: bytes, intact: int) -> dict[str, Any]:
    try:
        found = json.loads(line, parse_constant=_no_constant)
    except (ValueError, RecursionError) as error:
        reason = f"this is no JSON ({error})" if line.endswith(b"\n") else _CUT
        raise CorruptHistory(str(path), number, reason, intact) from error
    if not isinstance(found, dict):
        raise CorruptHistory(str(path), number, "this is no JSON object", intact)
    return found


def _no_constant(name: str) -> None:
    raise ValueError(f"{name} is no JSON number")


def _fault(found: Mapping[str, Any], index: int) -> str:
    """What is wrong with an op, or nothing."""
    missing = [key for key in ("index", "time", "actor", "f", "type", "value") if key not in found]
    if missing:
        return f"this op has no {', '.join(missing)}"
    if found["index"] != index:
        return f"the index jumps to {found['index']!r} where {index} should come"
    if type(found["time"]) not in (int, float) or not math.isfinite(found["time"]):
        return f"the time {found['time']!r} is no number of seconds"
    wrong = _wrong_kind(found)
    if wrong or found["type"] in _TYPES:
        return wrong
    return f"the type {found['type']!r} is none of {', '.join(sorted(_TYPES))}"


def _wrong_kind(found: Mapping[str, Any]) -> str:
    kinds = (("actor", str), ("f", str), ("type", str), ("value", dict), ("error", str | None))
    wrong = [key for key, kind in kinds if not isinstance(found.get(key), kind)]
    return f"{', '.join(wrong)} of this op has the wrong kind" if wrong else ""


def _refused(error: OSError, path: Path) -> HistoryError | DiskFull:
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return DiskFull(str(path.parent))
    return HistoryError(f"{path} cannot be written: {error.strerror}")
