"""The folder of a throwaway cluster, which disappears with the process that asked for it, whatever ends that.

A watchdog, a shell in a session of its own, makes the folder and reads a pipe whose only writer is us. When we
close it, or die, it stops the server that runs in the folder and removes the folder; stopping in order and being
killed are the same path, and there is no moment at which the folder exists and nobody watches.

What survives even that (a machine that lost power, a killed watchdog) is swept at the next start: every folder
holds a locked file, and a lock that is free means that the owner is dead.

A child that is forked and not executed would keep the pipe open: spawn, never fork, while a cluster is up.
"""

import fcntl
import os
import secrets
import subprocess
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import Final

from harness.backends.account import Account, ended, failure
from harness.clock import Clock
from harness.errors import PostgresFailed

PREFIX: Final = "realtime-harness-"
_LOCK: Final = "owner.lock"
_GOODBYE: Final = b"bye\n"
"""What an owner says that ends in order: whatever it had begun has ended."""
_LONGEST: Final = 60
"""Characters of the folder's parent: a socket's whole path must stay below macOS's limit of 103."""

_REMOVAL_S: Final = 30.0

_REMOVE: Final = r"""
exec >/dev/null 2>&1
data=$1/data

# The postmaster that its own file names; initdb's single-user server writes a negative number there.
postmaster() {
    pid=$(head -n 1 "$data/postmaster.pid")
    case $pid in *[!0-9]*) pid= ;; esac
}
# A process of that number counts only if its command line names our folder: numbers are used again. A zombie
# has no command line, and is as good as gone.
running() {
    [ -n "$pid" ] || return 1
    line=$(tr '\0' ' ' <"/proc/$pid/cmdline" || ps -ww -o args= -p "$pid")
    case $line in *"$data"*) return 0 ;; *) return 1 ;; esac
}

postmaster
if [ -z "$pid" ] && [ -e "$data/PG_VERSION" ]; then sleep 0.3; postmaster; fi  # it may be about to write its file
# All of it is thrown away, so one second for the polite way is enough: it would wait for clients that do not
# read. The immediate way takes 5 s if a child does not listen.
for step in INT:20 QUIT:120 KILL:20; do
    running && kill -s "${step%:*}" "$pid"
    tries=${step#*:}
    while running && [ "$tries" -gt 0 ]; do sleep 0.05; tries=$((tries - 1)); done
done
# An orphaned initdb that had not begun yet makes the folder anew: where nobody said goodbye, it is waited for.
[ -e "$data/PG_VERSION" ] || [ "$word" = bye ] || late=100
tries=1000
while [ -e "$1" ] && [ "$tries" -gt 0 ]; do  # more than once: an orphaned initdb still writes
    rm -rf "$1"
    sleep 0.02
    tries=$((tries - 1))
done
while [ "${late:-0}" -gt 0 ]; do
    sleep 0.03
    [ ! -e "$1" ] || rm -rf "$1"
    late=$((late - 1))
done
[ ! -e "$1" ]
"""

_MAKE_AND_WATCH: Final = r"""
trap '' HUP INT TERM PIPE  # an owner that is gone does not hear "made"
umask 077
mkdir "$1" || exit
mkdir "$1/data" "$1/socket" || { rm -rf "$1"; exit 1; }
echo made
read -r word
"""


class GuardedFolder:
    """A folder with `data` and `socket` in it (empty, 0700, the account's) and its watchdog."""

    def __init__(self, root: Path, account: Account) -> None:
        """Have it made below `root`; raises `PostgresFailed` or `DiskFull` with what mkdir said."""
        self.path: Final = root / f"{PREFIX}{secrets.token_hex(4)}"
        self.data: Final = self.path / "data"
        self.socket: Final = self.path / "socket"
        self._watchdog, self._pipe = _watchdog(self.path, account)
        try:
            self._lock: int | None = _locked(self.path)
        except BaseException:
            os.close(self._pipe)
            self._watchdog.wait()
            raise

    async def remove(self, clock: Clock) -> None:
        """Stop what runs in the folder and remove it; safe to call twice.

        Raises `PostgresFailed` if something of it is still there.
        """
        if self._lock is None:
            return
        lock, self._lock = self._lock, None
        with suppress(BrokenPipeError):  # the watchdog was killed: told by its exit code
            os.write(self._pipe, _GOODBYE)
        os.close(self._pipe)
        try:
            if await ended(self._watchdog, clock, within=_REMOVAL_S) != 0:
                raise PostgresFailed("stop", f"{self.path} could not be removed; look for a process that uses it")
        finally:
            os.close(lock)


def folder_root(account: Account) -> Path:
    """Where clusters live: TMPDIR, or /tmp where that is too long for a socket or out of the account's reach."""
    root = Path(tempfile.gettempdir())
    return root if len(str(root)) <= _LONGEST and account.may_enter(root) else Path("/tmp")


async def sweep(root: Path, account: Account, clock: Clock) -> None:
    """Remove the folders below `root` whose owners are dead, and what still runs in them."""
    dead = [path for path in root.glob(f"{PREFIX}*") if _is_dead(path, account)]
    removals = [account.spawn(_shell("word=bye\n" + _REMOVE, path), output=subprocess.DEVNULL) for path in dead]
    for removal in removals:
        await ended(removal, clock, within=_REMOVAL_S)


def _watchdog(path: Path, account: Account) -> tuple[subprocess.Popen[bytes], int]:
    """The watchdog, when it has made the folder, and the writing end of its pipe, which no other process has."""
    reader, writer = os.pipe()
    try:
        process = account.spawn(_shell(_MAKE_AND_WATCH + _REMOVE, path), stdin=reader, output=subprocess.PIPE)
    except BaseException:
        os.close(writer)
        raise
    finally:
        os.close(reader)
    assert process.stdout is not None
    with process.stdout as output:
        said = output.readline().decode(errors="replace")
    if said != "made\n":
        os.close(writer)
        process.wait()
        raise failure("mkdir", said, path)
    return process, writer


def _shell(script: str, path: Path) -> list[str | Path]:
    """Run with the rights of the account alone, so that it can never stop a stranger's process."""
    return ["/bin/sh", "-c", script, "watchdog", path]


def _locked(path: Path) -> int:
    """A locked file in the folder. Its content comes after the lock: an empty one is not ours to judge yet."""
    lock = os.open(path / _LOCK, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX)
        os.write(lock, f"{os.getpid()}\n".encode())
    except BaseException:
        os.close(lock)
        raise
    return lock


def _is_dead(path: Path, account: Account) -> bool:
    """Whether the folder is one of this account's and its owner held the lock once and does no more."""
    owner = os.geteuid() if account.uid is None else account.uid
    try:
        if path.lstat().st_uid != owner:
            return False
        lock = os.open(path / _LOCK, os.O_RDWR | os.O_NOFOLLOW)
    except OSError:  # gone meanwhile, or not made by us
        return False
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        return bool(os.read(lock, 1))
    except BlockingIOError:
        return False
    finally:
        os.close(lock)
