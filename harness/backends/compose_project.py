"""One project of `docker compose`: asked for, brought up, looked at, taken down.

Beside the straight line: under the backend `compose`. Docker is found and reached as the user's own commands do it
(PATH, DOCKER_HOST, contexts), and what the environment says wins over what the harness asks for.
"""

import asyncio
import os
import signal
from collections.abc import Callable, Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from harness.backends.compose_facts import Image, Resolved, image, quoted, resolved
from harness.errors import StackError

_DOWN_S: Final = 5
_WAIT_S: Final = 300
_LAST: Final = 12

Tell = Callable[[str], None]


async def engine_version() -> str:
    """The version of the Docker engine that answers; raises `StackError` with the cure where none does."""
    code, said = await _docker("version", "--format", "{{.Server.Version}}")
    if code:
        raise StackError(
            f"no Docker engine answers ({_last_line(said)}): start Docker, or set DOCKER_HOST to one that runs; on "
            "Debian as root, docker/engine.sh starts one; --backend embedded needs none"
        )
    code, without = await _docker("compose", "version")
    if code:
        raise StackError(
            f"docker has no compose ({without.strip().partition(chr(10))[0]}): install its plugin, version 2 or newer"
        )
    return said.strip()


class ComposeProject:
    """`variables` are for the compose file, where the environment does not set them; secrets among them are given
    by a file that only this user can read. `tell` gets compose's own lines of progress.
    """

    def __init__(self, file: Path, *, name: str, variables: Mapping[str, str], tell: Tell) -> None:
        self.name = name
        self._file = file
        self._variables = variables
        self._tell = tell

    async def resolved(self) -> Resolved:
        """The stack as it will be; raises `StackError` if compose cannot read the file."""
        return resolved(await self._compose("config", "--format", "json"))

    async def up(self) -> None:
        """Pull what is missing, start, and return when every service is healthy; raises `StackError`."""
        await self._compose("up", "--detach", "--wait", "--wait-timeout", str(_WAIT_S), tell=self._tell)

    async def image(self, name: str) -> Image:
        """What an image is that this project runs."""
        code, said = await _docker("image", "inspect", name)
        if code:
            raise StackError(f"docker image inspect {name} failed: {_last_line(said)}")
        return image(name, said)

    async def down(self) -> None:
        """Remove containers, networks and volumes; raises `StackError` if some of it stays. Safe to call twice."""
        await self._compose("down", "--volumes", "--remove-orphans", "--timeout", str(_DOWN_S))

    async def _compose(self, *arguments: str, tell: Tell | None = None) -> str:
        with TemporaryDirectory(prefix="realtime-harness-") as folder:  # 0700
            env_file = Path(folder) / "env"
            env_file.write_text("".join(f"{key}={quoted(text)}\n" for key, text in self._variables.items()))
            project = ("--project-name", self.name, "--file", str(self._file), "--env-file", str(env_file))
            code, said = await _docker("compose", *project, *arguments, tell=tell)
        if code:
            raise StackError(
                f"docker compose {arguments[0]} failed: {_last_lines(said)}{await self._logs(arguments)}\n"
                "docs/compose.md says how to name other images, ports and secrets, and how to build stand-ins"
            )
        return said

    async def _logs(self, failed: tuple[str, ...]) -> str:
        """What the services said last, if it was they who did not come up."""
        if failed[0] != "up":
            return ""
        code, said = await _docker("compose", "--project-name", self.name, "logs", "--no-color", "--tail", str(_LAST))
        return "" if code or not said.strip() else f"\n{said.rstrip()}"


async def _docker(*arguments: str, tell: Tell | None = None) -> tuple[int, str]:
    """Exit code, and stdout if it is 0, else stderr; `tell` gets the lines of stderr as they come.

    In a session of its own: Ctrl-C is for us to answer, by taking down.
    """
    pipe = asyncio.subprocess.PIPE
    try:
        process = await asyncio.create_subprocess_exec(
            "docker",
            *arguments,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=pipe,
            stderr=pipe,
            start_new_session=True,
            limit=2**24,
        )
    except OSError as error:
        return 127, f"docker: {error.strerror}"
    assert process.stdout is not None
    assert process.stderr is not None
    try:
        said, complained = await asyncio.gather(process.stdout.read(), _lines(process.stderr, tell))
        code = await process.wait()
    except BaseException:
        if process.returncode is None:
            os.killpg(process.pid, signal.SIGTERM)  # compose is a child of docker, and would go on without it
            await process.communicate()
        raise
    return code, complained if code else said.decode(errors="replace")


async def _lines(stream: asyncio.StreamReader, tell: Tell | None) -> str:
    lines = []
    async for raw in stream:
        lines.append(raw.decode(errors="replace").strip())
        if tell is not None and lines[-1]:
            tell(lines[-1])
    return "\n".join(lines)


def _last_line(said: str) -> str:
    return _last_lines(said).rpartition("\n")[2]


def _last_lines(said: str) -> str:
    return "\n".join([line for line in said.splitlines() if line.strip()][-_LAST:]) or "it said nothing"
