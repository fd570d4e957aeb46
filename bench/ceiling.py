"""What the readers alone absorb: a server that only blasts, so that nobody takes the reader for the engine."""

import asyncio
import time
from typing import Any, Final

from bench.child import Child
from bench.figure import Figure
from bench.progress import note
from bench.size import Size
from harness.phoenix.message import Message
from harness.phoenix.serializer import V2, encode
from harness.realtime.frame import text_frame

_SOCKETS: Final = (1, 50, 200)
_FRAME_BYTES: Final = 1_340
_FRAMES_A_WRITE: Final = 4
"""Few, as the engine has few for each socket at a time."""


async def ceiling(size: Size) -> list[Figure]:
    """Frames per second that one process of readers takes, sharing the cores with the blaster."""
    figures: list[Figure] = []
    for sockets in _SOCKETS:
        note(f"reader_ceiling_per_s: {sockets} sockets")
        took, cpu_s, frames = await _blast(sockets, size.ceiling_frames)
        figures.append(
            Figure(
                case=("reader_ceiling_per_s", str(sockets)),
                value=frames / took,
                unit="/s",
                settings=f"{frames:,} frames of {_FRAME_BYTES:,} B from a server that only blasts, at least; "
                f"readers {cpu_s:.2f} s CPU",
            )
        )
    return figures


async def _blast(sockets: int, frames: int) -> tuple[float, float, int]:
    """Seconds until the last of them is there, the readers' CPU time, and how many there were."""
    rounds = frames // (sockets * _FRAMES_A_WRITE)
    blaster = _Blaster(rounds)
    server = await asyncio.start_server(blaster.serve, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    plan: dict[str, Any] = {
        "url": f"ws://127.0.0.1:{port}/socket",
        "apikey": "",
        "tokens": [""] * sockets,
        "process_id": "",
        "round_s": 0.004,
    }
    async with server, Child("bench.readers", plan) as readers:
        await readers.ask(do="join")
        began = time.time()
        blaster.go.set()
        rows = rounds * _FRAMES_A_WRITE
        came = await readers.ask(do="drain", rows=rows, patience_s=5.0, receipts=False)
    return came["last"] - began, came["cpu_s"], came["deliveries"]


class _Blaster:
    """Lets every socket in, answers its join, and on `go` sends it frames as fast as it takes them."""

    def __init__(self, rounds: int) -> None:
        self.go = asyncio.Event()
        self._rounds = rounds

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n")
        await reader.read(1 << 16)
        for event in ("phx_reply", "system"):
            writer.write(_frame(event, {"status": "ok"}))
        await self.go.wait()
        block = _change() * _FRAMES_A_WRITE
        for _ in range(self._rounds):
            writer.write(block)
            await writer.drain()
        await reader.read()
        writer.close()


def _frame(event: str, payload: dict[str, Any]) -> bytes:
    return text_frame(encode(Message(topic="realtime:bench-0", event=event, payload=payload), V2, join_ref=False))


def _change() -> bytes:
    row = '{"event_sequence": 1, "filler": "'
    return text_frame(f"[null,null,{row:<{_FRAME_BYTES - 15}}")
