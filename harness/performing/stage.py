"""What the performers of steps share: the stack, the pen, the clock, and who takes part."""

from collections.abc import Callable
from dataclasses import dataclass, field
from random import Random
from typing import Final, Protocol
from urllib.parse import urlsplit, urlunsplit

from harness.backends.backend import Backend
from harness.cast import Cast, Process, Tally
from harness.clients.client import Client
from harness.clock import Clock, time_factor
from harness.errors import StoryFault
from harness.faults.fault import World
from harness.faults.nemesis import Nemesis
from harness.history import Recorder
from harness.performing.listener import Listener
from harness.performing.machine import ReaderMachine
from harness.phoenix.connection import Timing
from harness.pipeline.app import Reader
from harness.pipeline.http_client import HttpClient
from harness.proxy import FaultProxy
from harness.tokens import mint, user_id

ROLE: Final = "authenticated"
HTTP_TIMEOUT_S: Final = 10.0
LEAST_TIMEOUT_S: Final = 2.0
"""Real seconds that even a hurried request gets: the machine's work is not hurried."""


class MakeClient(Protocol):
    """A client that is not yet connected. `url` is where it finds the server, `token` None for anybody's.

    Raises `FaultUnsupported` for a variant that it cannot be.
    """

    def __call__(
        self, name: str, *, url: str, token: str | None, clock: Clock, timing: Timing, variant: str | None = None
    ) -> Client: ...


@dataclass(slots=True, kw_only=True)
class Stage:
    """Where a story is performed. With a `proxy` readers are reached through it, so that faults can get at them."""

    backend: Backend
    recorder: Recorder
    tally: Tally
    clock: Clock
    rng: Random
    make_client: MakeClient
    client: str
    schema: str
    pace: float
    proxy: FaultProxy | None
    cast: Cast = field(default_factory=Cast)
    machines: dict[str, ReaderMachine] = field(default_factory=dict)
    listeners: dict[str, Listener] = field(default_factory=dict)
    world: World = field(init=False)
    nemesis: Nemesis = field(init=False)
    _http: dict[str, HttpClient] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.world = self.backend.world(
            machines=self.machines, links=self.proxy is not None, rng=Random(self.rng.random())
        )
        self.nemesis = Nemesis(self.world, self.proxy, self.recorder, pace=self.pace)

    def process(self, name: str) -> Process:
        """The process that the story calls so; raises `StoryFault`."""
        if name not in self.cast.processes:
            raise StoryFault(f"the story has started no process {name!r}")
        return self.cast.processes[name]

    def reader(self, name: str) -> Reader:
        """The reader that the story calls so; raises `StoryFault`."""
        if name not in self.cast.readers:
            raise StoryFault(f"the story has subscribed no reader {name!r}")
        return self.cast.readers[name]

    def machine(self, name: str) -> ReaderMachine:
        """The computer of a reader; raises `StoryFault`."""
        if name not in self.machines:
            raise StoryFault(f"the story has subscribed no reader {name!r}")
        return self.machines[name]

    def fill(self, text: str) -> str:
        """`text` with the id of its process for each `{name}`, and the quoted schema for `{schema}`.

        A brace that means itself is doubled, as for `str.format`. Raises `StoryFault`.
        """
        ids = {name: process.id for name, process in self.cast.processes.items()}
        try:
            return text.format_map({**ids, "schema": f'"{self.schema}"'})
        except KeyError as missing:
            raise StoryFault(f"the story has started no process {missing}, which {text!r} names") from None
        except (ValueError, IndexError) as error:
            raise StoryFault(f"{text!r} cannot be filled in ({error}): double each brace that means itself") from None

    def make_room(self, name: str) -> None:
        """Raises `StoryFault` if there is a reader or listener of that name: its end would be nobody's business."""
        if name in self.cast.readers or name in self.listeners:
            raise StoryFault(f"the story has a {name!r} already: give the other one another name")

    def sign(self, user: str, *, ttl: float = 3600.0, role: str = ROLE) -> str:
        """A token of that user, good for `ttl` seconds from now."""
        secret = self.backend.environment.jwt_secret
        return mint(secret, role=role, sub=user_id(user), wall=self.clock.wall(), ttl=ttl)

    def new_machine(self, name: str, sign: Callable[[], str]) -> ReaderMachine:
        """The computer of a new reader, by whose clock it lives."""
        native = self.client == "native"
        machine = ReaderMachine(name, clock=self.clock, sign=sign, proxy=self.proxy, native=native)
        self.machines[name] = machine
        return machine

    async def reach(self, name: str, url: str) -> str:
        """`url` as the reader `name` reaches it: through its own link, if there are links."""
        if self.proxy is None:
            return url
        parts = urlsplit(url)
        secure = parts.scheme in ("https", "wss")
        port = parts.port or (443 if secure else 80)
        mine = await self.proxy.open_link(name, (parts.hostname or "", port), secure=secure)
        scheme = {"wss": "ws", "https": "http"}.get(parts.scheme, parts.scheme)
        return urlunsplit(parts._replace(scheme=scheme, netloc=f"127.0.0.1:{mine}"))

    async def http(self, name: str, token: Callable[[], str]) -> HttpClient:
        """The requests of one browser, made anew when it is asked for a second time."""
        if name in self._http:
            await self._http[name].close()
        url = await self.reach(name, self.backend.environment.app_url)
        self._http[name] = HttpClient(
            url, token=token, timeout=max(LEAST_TIMEOUT_S, HTTP_TIMEOUT_S / time_factor(self.clock))
        )
        return self._http[name]

    async def close_connections(self) -> None:
        """Give up all HTTP connections and links. Safe to call twice."""
        sessions, self._http = list(self._http.values()), {}
        for session in sessions:
            await session.close()
        if self.proxy is not None:
            await self.proxy.close()
