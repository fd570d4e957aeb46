"""The subscribers, in a process of their own: `python -m bench.readers`, told what to do by JSON lines on stdin.

The first line is the plan, then come `join` and `drain`; each line is answered by one on stdout. Frames are counted,
not decoded, and sockets are read in rounds, so that this process takes little from what it measures.
"""

import json
import os
import selectors
import socket
import time
from array import array
from typing import Any, Final
from urllib.parse import urlsplit

from bench.frames import Frames, Tally, heartbeat, join, sequence_of, tally, upgrade

_CHUNK: Final = 1 << 18
_BEAT_S: Final = 20.0
_WAIT_S: Final = 0.05
_STDIN: Final = 0


class Reader:
    """One socket with one channel, and what it got."""

    def __init__(self, url: str, apikey: str) -> None:
        where = urlsplit(url)
        self.socket = socket.create_connection((where.hostname, where.port))
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.socket.sendall(upgrade(url, apikey))
        head = b""
        while b"\r\n\r\n" not in head:
            chunk = self.socket.recv(1)
            if not chunk:
                raise ConnectionError("the server ended a socket instead of opening it")
            head += chunk
        if b" 101 " not in head.partition(b"\r\n")[0]:
            raise ConnectionError(f"the server refused a socket: {head!r}")
        self.sequences: array[int] = array("I")
        self.receipts: array[float] = array("d")
        self.bytes = 0
        self.replied: float | None = None
        self.subscribed: float | None = None
        self._frames = Frames()

    def read(self, now: float, wall: float) -> None:
        """Take what is there; raises `ConnectionError` when the channel is refused or the socket ends."""
        chunk = self.socket.recv(_CHUNK)
        if not chunk:
            raise ConnectionError("the server ended a socket")
        for payload in self._frames.feed(chunk):
            sequence = sequence_of(payload)
            if sequence is None:
                self._control(payload, now)
            else:
                self.sequences.append(sequence)
                self.receipts.append(wall)
                self.bytes += len(payload)

    def _control(self, payload: bytes, now: float) -> None:
        _, _, topic, event, content = json.loads(payload)
        if content.get("status") != "ok":
            raise ConnectionError(f"{event} on {topic}: {content}")
        if event == "phx_reply" and topic != "phoenix":
            self.replied = now
        elif event == "system":
            self.subscribed = now


class Readers:
    """All sockets and the command line, in one loop."""

    def __init__(self, plan: dict[str, Any]) -> None:
        self._plan = plan
        self._selector = selectors.DefaultSelector()
        self._readers = [Reader(plan["url"], plan["apikey"]) for _ in plan["tokens"]]
        for reader in self._readers:
            self._selector.register(reader.socket, selectors.EVENT_READ, reader)
        self._selector.register(_STDIN, selectors.EVENT_READ, None)
        self._command: dict[str, Any] | None = None
        self._began = self._last = self._beat = time.monotonic()

    def serve(self) -> None:
        """Read and answer until stdin ends."""
        while True:
            ready = self._selector.select(_WAIT_S)
            now, wall = time.monotonic(), time.time()
            for key, _ in ready:
                if key.data is not None:
                    key.data.read(now, wall)
                    self._last = now
                elif not self._take_command(os.read(_STDIN, _CHUNK)):
                    return
            self._answer(now)
            self._keep_alive(now)
            if self._plan["round_s"]:
                time.sleep(self._plan["round_s"])

    def _take_command(self, line: bytes) -> bool:
        """Whoever asks waits for the answer, so what can be read is one line, or the end."""
        if not line:
            return False
        self._command = json.loads(line)
        self._began = self._last = time.monotonic()
        if self._command["do"] == "join":
            for number, (reader, token) in enumerate(zip(self._readers, self._plan["tokens"], strict=True)):
                topic = f"realtime:bench-{number}"
                reader.socket.sendall(join(topic, token=token, process_id=self._plan["process_id"]))
        return True

    def _answer(self, now: float) -> None:
        if self._command is None:
            return
        answer = self._joined() if self._command["do"] == "join" else self._drained(self._command, now)
        if answer is not None:
            self._command = None
            say(answer)

    def _joined(self) -> dict[str, Any] | None:
        replied = [each.replied for each in self._readers if each.replied is not None]
        subscribed = [each.subscribed for each in self._readers if each.subscribed is not None]
        if len(subscribed) < len(self._readers) or len(replied) < len(self._readers):
            return None
        return {"replied_s": max(replied) - self._began, "subscribed_s": max(subscribed) - self._began}

    def _drained(self, command: dict[str, Any], now: float) -> dict[str, Any] | None:
        """What came, when everybody has all rows or when nothing has come for `patience_s`."""
        complete = all(len(each.sequences) >= command["rows"] for each in self._readers)
        if not complete and now - self._last < command["patience_s"]:
            return None
        sums = sum((tally(each.sequences, command["rows"]) for each in self._readers), Tally())
        latest = self._readers[-1]
        return {
            "deliveries": sum(len(each.sequences) for each in self._readers),
            "bytes": sum(each.bytes for each in self._readers),
            "last": max((each.receipts[-1] for each in self._readers if each.receipts), default=0.0),
            "lost": sums.lost,
            "twice": sums.twice,
            "disordered": sums.disordered,
            "cpu_s": time.process_time(),
            "received": list(zip(latest.sequences, latest.receipts, strict=True)) if command["receipts"] else [],
        }

    def _keep_alive(self, now: float) -> None:
        if now - self._beat > _BEAT_S:
            self._beat = now
            for reader in self._readers:
                reader.socket.sendall(heartbeat())


def say(answer: dict[str, Any]) -> None:
    """One line on stdout, at once."""
    print(json.dumps(answer), flush=True)


def main() -> None:
    line = b""
    while not line.endswith(b"\n"):
        line += os.read(_STDIN, _CHUNK)
    plan = json.loads(line)
    readers = Readers(plan)
    say({"open": len(plan["tokens"])})
    readers.serve()


if __name__ == "__main__":
    main()
