"""Plays one recording against one server: the same acts, paced as recorded, never before what they waited for.

Beside the straight line. What comes back is kept as a recording of its own; `difference` compares the two.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import Final
from urllib.parse import parse_qs, urlsplit

from harness.clock import Clock
from harness.fidelity.admin import control
from harness.fidelity.log import Log
from harness.fidelity.minting import Mint
from harness.fidelity.recording import Entry, Recording
from harness.fidelity.script import Act, Sign, acts, steps
from harness.fidelity.target import Target
from harness.fidelity.wire import Requests, Socket, Statements
from harness.tokens import mint

PATIENCE_MS: Final = 2_500.0
"""How long after its time something awaited may still come before we go on without it."""

_ALL_PATIENCE_MS: Final = 20_000.0
"""Waited in vain for that long in all, nothing is waited for any more."""

_ONE_ACT_S: Final = 60.0
_OF_CHANCE: Final = ("postgres_changes ", "broadcast ")
_AWAKE_MS: Final = 20_000.0
_MUCH_MS: Final = 2_000.0
"""A play that is this much longer than its recording keeps its sockets awake: nobody was idle so long then."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Played:
    """What came back, as a recording, and when each act of the script was done (ms)."""

    recording: Recording
    acted: Mapping[int, float]


class Player:
    """One play. `renames` gives the ids to use in place of recorded ones; what comes back has the recorded ones.

    With `phases_are_chance` an act waits for a change or broadcast only if it followed it at once: where they are
    made faster than polls come, or a limiter takes some of them, waiting for each would change what is played.
    """

    def __init__(
        self,
        recording: Recording,
        target: Target,
        *,
        clock: Clock,
        renames: Mapping[str, str] | None = None,
        phases_are_chance: bool = False,
    ) -> None:
        self._recording = recording
        self._target = target
        self._clock = clock
        self._renames = renames or {}
        self._phases_are_chance = phases_are_chance
        self._mint = Mint(secret=target.secret)
        self._streams: dict[str, _Stream] = {}
        self._slip = 0.0
        self._vain = 0.0
        self._awaited: list[Sign] = []
        self._awake = 0.0
        self._closed = {
            step.stream for step in steps(recording) if step.entry.dir == "close" and step.entry.by == "server"
        }

    async def play(self) -> Played:
        """From the first act to the end of the recording; everything opened is closed again."""
        self._wall = self._clock.wall()
        self._log = Log(self._clock)
        self._sockets: dict[str, Socket] = {}
        self._sessions: dict[str, Statements] = {}
        self._requests = Requests(self._log, self._target)
        try:
            for act in acts(self._recording):
                await self._until(act)
                self._stream(act.step.stream).put(partial(self._do, act))
            await self._finish()
        finally:
            await self._clean_up()
        entries = tuple(self._renamed_back(entry) for entry in self._log.entries)
        played = replace(self._recording, wall=self._wall, entries=entries)
        return Played(recording=played, acted=self._log.acted)

    async def _until(self, act: Act) -> None:
        """Wait for the time of an act and for everything that had come before it.

        An act that was the answer to something follows it here as closely as there, however early or late that
        came; the rest of the recording moves with it.
        """
        self._awaited += [sign for sign in act.after if not self._is_chance(sign, act)]
        await self._causes()
        t = act.step.entry.t
        caused = self._log.came_at(act.cause) if act.cause is not None else None
        due = t + self._slip if caused is None or act.cause is None else caused + t - act.cause.t
        if due > self._log.t:
            await self._clock.sleep((due - self._log.t) / 1000)
        if act.step.entry.dir != "close":
            self._slip = max(due, self._log.t) - t
        await self._keep_awake()

    async def _keep_awake(self) -> None:
        """Ping the sockets now and then where the play takes longer, but those that the server is to close."""
        if self._slip < _MUCH_MS or self._log.t - self._awake < _AWAKE_MS:
            return
        self._awake = self._log.t
        await asyncio.gather(*(socket.ping() for name, socket in self._sockets.items() if name not in self._closed))

    async def _causes(self) -> None:
        """Wait for what is awaited; what does not come is given up, and the time it cost is counted."""
        while self._awaited:
            self._awaited = [sign for sign in self._awaited if not self._log.came(sign)]
            late = [sign for sign in self._awaited if self._left(sign) <= 0]
            for sign in late:
                self._log.give_up(sign)
                self._awaited.remove(sign)
            if not self._awaited:
                return
            before = self._log.t
            await self._log.news(min(self._left(sign) for sign in self._awaited))
            self._vain += max(0.0, self._log.t - max(before, *(sign.t + self._slip for sign in self._awaited)))

    def _is_chance(self, sign: Sign, act: Act) -> bool:
        led_to_it = sign is act.cause or (act.step.entry.dir == "close" and sign.stream == act.step.stream)
        return self._phases_are_chance and sign.kind.startswith(_OF_CHANCE) and not led_to_it

    def _left(self, sign: Sign) -> float:
        patience = min(PATIENCE_MS, max(0.0, _ALL_PATIENCE_MS - self._vain))
        return sign.t + self._slip + patience - self._log.t

    async def _do(self, act: Act) -> None:
        entry = self._renewed(act.step.entry)
        stream = act.step.stream
        self._log.act(act.number, replace(entry, c=stream if entry.dir != "ctl" else "-"))
        match entry.dir:
            case "open":
                self._sockets[stream] = Socket(stream, self._log, self._target)
                await self._sockets[stream].open(self._target.socket_url(entry.text), self._headers(act, entry))
            case "send":
                await self._sockets[stream].send(entry.data if entry.bin else entry.text)
            case "ping":
                await self._sockets[stream].ping()
            case "close":
                await self._sockets[stream].close(entry.code or 1000)
            case "sql":
                await self._session(stream).run(entry.text, entry.args)
            case "http_send":
                await self._ask(entry)
            case "ctl":
                await self._control(entry.text)

    def _renewed(self, entry: Entry) -> Entry:
        """The entry with new tokens and ids."""
        recorded = self._recording.wall.timestamp() + entry.t / 1000
        now = self._clock.wall().timestamp()

        def renew(text: str) -> str:
            return self._mint.renew(self._renamed(text), recorded=recorded, now=now)

        return replace(
            entry,
            text=renew(entry.text),
            args=tuple(None if arg is None else renew(arg) for arg in entry.args),
            headers={name: renew(value) for name, value in entry.headers.items()},
            path=self._renamed(entry.path),
            hex=None if entry.hex is None else _in_bytes(entry.hex, self._renames),
        )

    def _headers(self, act: Act, entry: Entry) -> Mapping[str, str]:
        """Headers of the upgrade. The recorder did not write down the key that it sent as a header (p04)."""
        query = parse_qs(urlsplit(entry.text).query, keep_blank_values=True)
        if "apikey" in query or not _was_let_in(self._recording, act):
            return entry.sent
        return {**entry.sent, "x-api-key": mint(self._target.secret, role="anon", wall=self._clock.wall())}

    async def _ask(self, entry: Entry) -> None:
        headers = {
            name: self._target.host_for(value) if name.lower() == "host" else value
            for name, value in entry.headers.items()
        }
        body = entry.data if entry.hex is not None else entry.text.encode()
        await self._requests.send(entry.method, entry.path, headers, body)

    async def _control(self, text: str) -> None:
        """A change of the tenant's limits, a reload of the tenant, or a restart of PostgreSQL."""
        if text != "pg_restart":
            outcome = await control(self._target, text, wall=self._clock.wall())
        elif self._target.restart is None:
            outcome = "not ours to restart"
        else:
            await self._target.restart()
            outcome = "exit 0"
        self._log.hear(Entry(t=0.0, c="-", dir="ctl_result", text=outcome))

    async def _finish(self) -> None:
        """Let every stream do what it still has to, and wait as long as the recorder did before it wrote `end`."""
        end = self._recording.seconds * 1000 + self._slip
        await asyncio.gather(*(stream.drained() for stream in self._streams.values()))
        await self._clock.sleep(max(0.0, end - self._log.t) / 1000)

    async def _clean_up(self) -> None:
        await asyncio.gather(*(stream.stop() for stream in self._streams.values()))
        await asyncio.gather(*(socket.close(1000) for socket in self._sockets.values()))
        await asyncio.gather(*(session.close() for session in self._sessions.values()))
        await self._requests.close()

    def _session(self, stream: str) -> Statements:
        if stream not in self._sessions:
            self._sessions[stream] = Statements(stream, self._log, self._target, self._clock)
        return self._sessions[stream]

    def _stream(self, name: str) -> "_Stream":
        if name not in self._streams:
            self._streams[name] = _Stream()
        return self._streams[name]

    def _renamed(self, text: str) -> str:
        for recorded, ours in self._renames.items():
            text = text.replace(recorded, ours)
        return text

    def _renamed_back(self, entry: Entry) -> Entry:
        if not self._renames:
            return entry
        back = {ours: recorded for recorded, ours in self._renames.items()}
        text = entry.text
        for ours, recorded in back.items():
            text = text.replace(ours, recorded)
        return replace(entry, text=text, hex=None if entry.hex is None else _in_bytes(entry.hex, back))


class _Stream:
    """The acts of one connection, one after the other; a slow one keeps only its own connection waiting."""

    def __init__(self) -> None:
        self._acts: asyncio.Queue[Callable[[], Awaitable[None]]] = asyncio.Queue()
        self._task = asyncio.create_task(self._run())

    def put(self, act: Callable[[], Awaitable[None]]) -> None:
        self._acts.put_nowait(act)

    async def drained(self) -> None:
        """Wait until all of it is done; raises what an act raised."""
        waiting = asyncio.create_task(self._acts.join())
        await asyncio.wait({waiting, self._task}, return_when=asyncio.FIRST_COMPLETED, timeout=_ONE_ACT_S)
        waiting.cancel()
        if self._task.done():
            self._task.result()

    async def stop(self) -> None:
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)

    async def _run(self) -> None:
        while True:
            act = await self._acts.get()
            try:
                await act()
            finally:
                self._acts.task_done()


def _was_let_in(recording: Recording, act: Act) -> bool:
    """Whether the socket that an act asks for was opened in the recording."""
    client, t = act.step.entry.c, act.step.entry.t
    answers = (each for each in recording.entries if each.c == client and each.dir in ("opened", "http"))
    answer = next((each for each in answers if each.t >= t), None)
    return answer is not None and answer.dir == "opened"


def _in_bytes(hex: str, renames: Mapping[str, str]) -> str:
    for old, new in renames.items():
        hex = hex.replace(old.encode().hex(), new.encode().hex())
    return hex
