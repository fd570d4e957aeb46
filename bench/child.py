"""A process of ours that is asked by a JSON line and answers by one: the readers and the writer."""

import asyncio
import json
import sys
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self

ROOT: Final = Path(__file__).parents[1]
_ANSWER_BYTES: Final = 1 << 22
_ANSWER_S: Final = 120.0
_GOODBYE_S: Final = 5.0


class BenchError(Exception):
    """A measurement that could not be made; the process concerned has said why on stderr."""


class Child:
    """`python -m module`, which gets `plan` as its first line; use as a context manager."""

    def __init__(self, module: str, plan: dict[str, Any]) -> None:
        self._module = module
        self._plan = plan
        self._process: asyncio.subprocess.Process

    async def ask(self, **command: Any) -> dict[str, Any]:
        """Its answer to a command; raises `BenchError` if it ends, or says nothing for two minutes."""
        return await self._exchange(command)

    async def __aenter__(self) -> Self:
        self._process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            self._module,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            cwd=ROOT,
            limit=_ANSWER_BYTES,
        )
        try:
            await self._exchange(self._plan)
        except BaseException:
            await self._end()
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._end()

    async def _exchange(self, line: dict[str, Any]) -> dict[str, Any]:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps(line).encode() + b"\n")
        try:
            said = await asyncio.wait_for(self._process.stdout.readline(), _ANSWER_S)
        except TimeoutError:
            raise BenchError(f"{self._module} does not answer") from None
        if not said:
            raise BenchError(f"{self._module} has ended")
        answer: dict[str, Any] = json.loads(said)
        return answer

    async def _end(self) -> None:
        """It ends when its stdin does; one that does not is killed."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        try:
            await asyncio.wait_for(self._process.wait(), _GOODBYE_S)
        except TimeoutError:
            self._process.kill()
            await self._process.wait()
