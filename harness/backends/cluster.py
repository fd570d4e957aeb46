"""A throwaway PostgreSQL: initdb, a server with logical decoding, and nothing left when it stops.

Under the straight line: the database of the `embedded` backend and of the integration tests. What it took to
get here, with figures, is in tech.md 1.
"""

import asyncio
import errno
import secrets
import signal
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from harness.backends.account import Account, ended, failure, postgres_account
from harness.backends.binaries import find_binaries, major, runnable, version_of
from harness.backends.guarded_folder import GuardedFolder, folder_root, sweep
from harness.clock import Clock, SystemClock
from harness.errors import DiskFull, PortTaken, PostgresFailed, StackError

HOST: Final = "127.0.0.1"

SETTINGS: Final = {
    "wal_level": "logical",
    "fsync": "off",
    "synchronous_commit": "on",  # off: a poll straight after a commit sees nothing of it
    "full_page_writes": "off",
    "max_replication_slots": "20",
    "max_wal_senders": "10",
    "max_slot_wal_keep_size": "1GB",
    "shared_buffers": "64MB",
    "jit": "off",
    "listen_addresses": HOST,
    "unix_socket_permissions": "0700",
}

_CLOCK: Final = SystemClock()
_INITDB_S: Final = 120.0
_START_S: Final = 60.0
_CRASH_S: Final = 10.0
_PORTS_TO_TRY: Final = 5


class Cluster:
    """A running server of our own, with the superuser `postgres`.

    Over TCP it wants `password` (SCRAM); over the socket in `socket_dir`, which only we can open, nothing.
    Everything in it is gone after `stop`, or when this process ends in any way.
    """

    def __init__(
        self,
        *,
        port: int,
        password: str,
        version: str,
        bin_dir: Path,
        folder: GuardedFolder,
        account: Account,
        process: subprocess.Popen[bytes],
        clock: Clock,
    ) -> None:
        self.port: Final = port
        self.password: Final = password
        self.version: Final = version
        self.bin_dir: Final = bin_dir
        self.data_dir: Final = folder.data
        self.socket_dir: Final = folder.socket
        self._folder = folder
        self._account = account
        self._process = process
        self._clock = clock
        self._turn = asyncio.Lock()
        self._stopped = False

    def url(self, database: str = "postgres") -> str:
        """Where a client connects as superuser."""
        return f"postgresql://postgres:{self.password}@{HOST}:{self.port}/{database}"

    async def restart(self) -> None:
        """Crash the server (an immediate shutdown) and start it on the same data, port and socket folder.

        Returns when it takes connections. A fast shutdown would wait for whoever streams (realtime-facts 11.12). The
        watchdog needs no telling: at every moment it stops what runs in the folder. Raises `StackError`, and then
        nothing runs any more.
        """
        async with self._turn:
            if self._stopped:
                raise PostgresFailed("restart", "the cluster is stopped")
            self._process.send_signal(signal.SIGQUIT)
            if await ended(self._process, self._clock, within=_CRASH_S) is None:
                raise PostgresFailed("restart", f"it did not end within {_CRASH_S:.0f} s")
            process = await _launch(self._folder, self.bin_dir, self._account, port=self.port, clock=self._clock)
            if process is None:
                raise PortTaken(HOST, self.port)
            self._process = process

    async def stop(self) -> None:
        """End all sessions, stop the server and remove its folder; safe to call twice."""
        async with self._turn:
            self._stopped = True
            await self._folder.remove(self._clock)
            await ended(self._process, self._clock, within=1.0)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.stop()


async def start_cluster(*, port: int = 0, bin_dir: Path | None = None, clock: Clock = _CLOCK) -> Cluster:
    """A new, empty cluster that takes connections; the caller stops it.

    `port` 0 is a free one. `bin_dir` is HARNESS_PG_BIN; None looks for the programs. Raises `PortTaken`,
    `PostgresNotFound`, `DiskFull`, or `PostgresFailed` with the last lines of the log; then nothing is left.
    """
    if port and not _is_free(port):
        raise PortTaken(HOST, port)
    account = postgres_account()
    root = folder_root(account)
    try:
        programs = await asyncio.to_thread(lambda: runnable(find_binaries(bin_dir), account))
        await sweep(root, account, clock)
        folder = GuardedFolder(root, account)
    except OSError as error:
        raise _broken("preparing the cluster", error, root) from error
    try:
        return await _bring_up(folder, programs, account, port=port, clock=clock)
    except OSError as error:
        await folder.remove(clock)
        raise _broken("postgres", error, root) from error
    except BaseException:
        await folder.remove(clock)
        raise


async def _bring_up(folder: GuardedFolder, programs: Path, account: Account, *, port: int, clock: Clock) -> Cluster:
    version = version_of(programs) or "unknown"
    password = secrets.token_hex(16)
    await _initdb(folder, programs, account, major=major(version), password=password, clock=clock)
    for candidate in [port] if port else _free_ports():
        process = await _launch(folder, programs, account, port=candidate, clock=clock)
        if process is not None:
            return Cluster(
                port=candidate,
                password=password,
                version=version,
                bin_dir=programs,
                folder=folder,
                account=account,
                process=process,
                clock=clock,
            )
    raise PortTaken(HOST, candidate)


async def _initdb(
    folder: GuardedFolder, programs: Path, account: Account, *, major: int, password: str, clock: Clock
) -> None:
    secret = folder.path / "password"
    account.write(secret, password)
    for locale in locales(major):
        command: list[str | Path] = [programs / "initdb", "-D", folder.data, "-U", "postgres", "-E", "UTF8", *locale]
        command += ["--auth-local=trust", "--auth-host=scram-sha-256", f"--pwfile={secret}"]
        command += ["--no-sync", "--no-instructions", "--wal-segsize=1"]
        # A pipe and not a file: on a full disk a file would lose the very line that says so.
        process = account.spawn(command, output=subprocess.PIPE)
        log = await _outcome(process, clock)
        if process.returncode == 0:
            break
        if "invalid locale" not in log:
            raise failure("initdb", log, folder.path)
    else:
        raise failure("initdb", log, folder.path)
    secret.unlink()


async def _outcome(process: subprocess.Popen[bytes], clock: Clock) -> str:
    """What a short program said until it ended, or until it had to be ended."""
    try:
        if await ended(process, clock, within=_INITDB_S) is None:
            return f"it did not end within {_INITDB_S:.0f} s"
    finally:
        process.kill()
        said, _ = process.communicate()
    return said.decode(errors="replace")


async def _launch(
    folder: GuardedFolder, programs: Path, account: Account, *, port: int, clock: Clock
) -> subprocess.Popen[bytes] | None:
    """The server, ready; None if somebody took the port meanwhile."""
    log = folder.path / f"postgres-{port}.log"
    settings = [f"--{name}={value}" for name, value in SETTINGS.items()]
    command: list[str | Path] = [
        programs / "postgres",
        "-D",
        folder.data,
        "-p",
        str(port),
        "-k",
        folder.socket,
        *settings,
    ]
    with log.open("ab") as output:
        process = account.spawn(command, output=output)
    if await _is_up(process, folder.data / "postmaster.pid", clock):
        return process
    said = log.read_text(errors="replace")
    if "Address already in use" in said:
        return None
    raise failure("postgres", said or f"it was not ready within {_START_S:.0f} s", folder.path)


async def _is_up(process: subprocess.Popen[bytes], file: Path, clock: Clock) -> bool:
    """Wait until the server is ready; if it will not be, it is ended."""
    deadline = clock.now() + _START_S
    ready = False
    try:
        while not ready and process.poll() is None and clock.now() < deadline:
            await clock.sleep(0.005)
            ready = _is_ready(file, process.pid)
    finally:
        if not ready:
            process.kill()
            process.wait()
    return ready


def _is_ready(file: Path, pid: int) -> bool:
    """Whether the server says so itself, in line 8 of postmaster.pid."""
    try:
        lines = file.read_text().splitlines()
    except OSError:  # not written yet
        return False
    return len(lines) >= 8 and lines[0].strip() == str(pid) and lines[7].strip() == "ready"


def locales(major: int) -> list[list[str]]:
    """initdb's locale options to try in turn: UTF-8 by code point, from PostgreSQL itself where it can."""
    if major >= 17:
        return [["--locale-provider=builtin", "--builtin-locale=C.UTF-8"]]
    return [["--locale=C.UTF-8"], ["--locale=C"]]


def _broken(what: str, error: OSError, folder: Path) -> StackError:
    return DiskFull(str(folder)) if error.errno == errno.ENOSPC else PostgresFailed(what, str(error))


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError as error:
            return error.errno != errno.EADDRINUSE
    return True


def _free_ports() -> Iterator[int]:
    """PostgreSQL cannot choose a port itself, so another process may take one before it does: several."""
    for _ in range(_PORTS_TO_TRY):
        with socket.socket() as probe:
            probe.bind((HOST, 0))
            port: int = probe.getsockname()[1]
        yield port
