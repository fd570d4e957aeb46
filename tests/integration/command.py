"""The command `harness` in processes of its own, which put everything they make into one folder."""

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any, Self

QUICK = ("--cadence", "instant", "--pace", "50")
"""For tests in which time is not the point."""


@dataclass(frozen=True)
class Command:
    """Starts `harness`. Use as a context manager: processes that a test left behind are killed at its end."""

    folder: Path
    started: list[subprocess.Popen[str]] = field(default_factory=list)

    @classmethod
    def in_a_new_folder(cls) -> Self:
        """A short one, open to everybody, as the user `nobody` of PostgreSQL needs it and pytest's is not."""
        folder = Path(tempfile.mkdtemp(prefix="rh-cmd-", dir="/tmp"))
        folder.chmod(0o755)
        (folder / "tmp").mkdir()
        (folder / "tmp").chmod(0o1777)
        return cls(folder)

    @property
    def runs(self) -> Path:
        """Where run folders go: the commands run in `folder`."""
        return self.folder / "runs"

    @property
    def latest(self) -> Path:
        return self.runs / "latest"

    def start(
        self, *arguments: str, environment: dict[str, str] | None = None, **streams: Any
    ) -> "subprocess.Popen[str]":
        """A process that nobody waits for yet; stdout and stderr are pipes unless `streams` say otherwise."""
        process = subprocess.Popen(
            [sys.executable, "-m", "harness", *arguments],
            **{"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "stdin": subprocess.DEVNULL, **streams},
            text=True,
            encoding="utf-8",
            cwd=self.folder,
            env={**_clean(os.environ), "TMPDIR": str(self.folder / "tmp"), **(environment or {})},
        )
        self.started.append(process)
        return process

    def run(
        self, *arguments: str, environment: dict[str, str] | None = None, timeout: float = 60, **streams: Any
    ) -> "subprocess.CompletedProcess[str]":
        """The command to its end, which must come within `timeout` seconds."""
        process = self.start(*arguments, environment=environment, **streams)
        try:
            out, err = process.communicate(timeout=timeout)
        except subprocess.TimeoutExpired:
            process.kill()
            told = process.communicate()[1] or ""
            raise AssertionError(f"{arguments} did not end within {timeout} s: {told[-2000:]}") from None
        return subprocess.CompletedProcess(process.args, process.returncode, out, err)

    def up(self, *arguments: str) -> "Up":
        """`harness up`, ready."""
        process = self.start("up", "--json", *arguments)
        assert process.stdout is not None
        line = process.stdout.readline()
        if not line:
            raise AssertionError(f"`harness up` ended with {process.wait()}: {process.communicate()[1]}")
        return Up(process, json.loads(line))

    def processes(self) -> list[str]:
        """The command lines of all that work here: they name the folder or have its TMPDIR. Zombies do neither."""
        found = []
        for process in Path("/proc").glob("[0-9]*"):
            try:
                line = (process / "cmdline").read_bytes()
                told = line + (process / "environ").read_bytes()
            except OSError:  # ended meanwhile, or a stranger's
                continue
            if line and str(self.folder).encode() in told:
                found.append(line.replace(b"\0", b" ").decode(errors="replace"))
        return found

    def left(self) -> list[str]:
        """What there is of stacks: processes, and files in TMPDIR."""
        return [*self.processes(), *(str(path) for path in (self.folder / "tmp").iterdir())]

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for process in self.started:
            if process.poll() is None:
                process.kill()
            process.communicate()
        eventually(lambda: not self.left())
        shutil.rmtree(self.folder, ignore_errors=True)


@dataclass(frozen=True)
class Up:
    """A `harness up` that is ready, and the variables that it printed."""

    process: "subprocess.Popen[str]"
    variables: dict[str, str]

    def file(self, path: Path) -> str:
        """Its environment as a file for `--env-file`; the path as text."""
        path.write_text("".join(f'{key}="{value}"\n' for key, value in self.variables.items()))
        return str(path)

    def end(self, by: signal.Signals = signal.SIGINT, *, timeout: float = 20) -> tuple[int, str]:
        """Exit code and stderr."""
        self.process.send_signal(by)
        _, err = self.process.communicate(timeout=timeout)
        return self.process.returncode, err


def eventually(true: Callable[[], bool], *, within: float = 30.0) -> bool:
    """Whether it becomes true within that many seconds."""
    deadline = time.monotonic() + within
    while not true() and time.monotonic() < deadline:
        time.sleep(0.02)
    return true()


def _clean(environment: "os._Environ[str]") -> dict[str, str]:
    """Without what would change what the commands do."""
    ours = ("HARNESS_", "JWT_SECRET", "PYTHONWARNINGS", "NO_COLOR", "FORCE_COLOR", "DISPLAY", "WAYLAND_", "BROWSER")
    kept = {key: value for key, value in environment.items() if not key.startswith(ours)}
    pg_bin = environment.get("HARNESS_PG_BIN")
    return {**kept, "HARNESS_PG_BIN": pg_bin} if pg_bin else kept
