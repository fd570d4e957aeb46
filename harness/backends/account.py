"""Who runs PostgreSQL's programs, and how: as nobody where we are root, in a clean environment.

PostgreSQL refuses to run as root, and initdb refuses a uid that has no name (tech.md 1); `nobody` is on every
common system. A plain user needs none of this.
"""

import os
import pwd
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Final

from harness.clock import Clock
from harness.errors import DiskFull, PostgresFailed, StackError

ENVIRONMENT: Final = {"PATH": "/usr/bin:/bin:/usr/sbin:/sbin", "LC_ALL": "C", "TZ": "UTC"}
"""All that the programs see: no locale, time zone or PG* variable of the user can change what they do."""

_POLL_S: Final = 0.005
_LOG_LINES: Final = 15


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """The user whose files and processes a cluster's are. No `uid`: the user who runs us."""

    uid: int | None = None
    gid: int | None = None

    def spawn(
        self, command: Sequence[str | Path], *, output: int | IO[bytes], stdin: int = subprocess.DEVNULL
    ) -> subprocess.Popen[bytes]:
        """Start a program of its own session, so that Ctrl-C reaches us alone; raises `OSError`.

        There is deliberately no `preexec_fn`: it would fork this process with all its threads.
        """
        return subprocess.Popen(
            [str(part) for part in command],
            stdin=stdin,
            stdout=output,
            stderr=subprocess.STDOUT,
            cwd="/",
            env=ENVIRONMENT,
            user=self.uid,
            group=self.gid,
            extra_groups=None if self.uid is None else [],
            start_new_session=True,
            close_fds=True,
        )

    def write(self, path: Path, text: str) -> None:
        """Make a new file that this account alone may read; raises `OSError`, also if there is one already."""
        file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        try:
            os.write(file, text.encode())
            if self.uid is not None and self.gid is not None:
                os.fchown(file, self.uid, self.gid)
        finally:
            os.close(file)

    def may_enter(self, folder: Path) -> bool:
        """Whether this account can reach and write `folder`: asked of the system, which also knows ACLs."""
        if self.uid is None:
            return os.access(folder, os.W_OK | os.X_OK)
        process = self.spawn(["/bin/sh", "-c", 'cd "$1" && test -w .', "sh", folder], output=subprocess.DEVNULL)
        return process.wait() == 0


def postgres_account() -> Account:
    """`nobody` if we are root, else ourselves; raises `PostgresFailed` where root has no nobody."""
    if os.geteuid() != 0:
        return Account()
    try:
        nobody = pwd.getpwnam("nobody")
    except KeyError:
        raise PostgresFailed(
            "postgres", "it refuses to run as root, and there is no user nobody to run it as"
        ) from None
    return Account(uid=nobody.pw_uid, gid=nobody.pw_gid)


async def ended(process: subprocess.Popen[bytes], clock: Clock, *, within: float) -> int | None:
    """The exit status of `process`, None if it still runs after that many seconds."""
    deadline = clock.now() + within
    while process.poll() is None and clock.now() < deadline:
        await clock.sleep(_POLL_S)
    return process.poll()


def failure(program: str, log: str, folder: Path) -> StackError:
    """The error that a failed program's last words mean."""
    if "No space left on device" in log:
        return DiskFull(str(folder))
    return PostgresFailed(program, "\n".join(log.strip().splitlines()[-_LOG_LINES:]))
