"""Brings a server into the state that a recording takes for granted.

Beside the straight line, before a player begins.
"""

import asyncio
import json
from collections.abc import Sequence
from typing import Final

import asyncpg
from websockets.asyncio.client import connect

from harness.clock import Clock
from harness.errors import StackUnfit
from harness.fidelity.admin import control
from harness.fidelity.target import TENANT, Target
from harness.tokens import mint

_TABLES: Final = "t_full t_types t_owned t_members t_child t_nopk t_hidden_pk t_cols t_seq"
_WARM_S: Final = 15.0
_SETTLE_S: Final = 0.3
_JOIN: Final = {"config": {"postgres_changes": [{"event": "*", "schema": "public", "table": "t_members"}]}}


async def prepare(
    target: Target, *, schema: str, rows: Sequence[str], warm: bool, limits: str | None, clock: Clock
) -> None:
    """Make the schema and empty the recordings' own tables where others played before; write `rows`; warm up.

    `limits` is the `ctl` step under which the worker is to start: it keeps the limit that it started with
    (realtime-facts 11.3). Raises `StackUnfit` if the worker does not come up.
    """
    if target.shared:
        tables = ", ".join(f"public.{name}" for name in _TABLES.split())
        await run(target.database, [schema, f"truncate {tables} restart identity"])
    await run(target.database, rows)
    if warm:
        if limits is not None:
            await control(target, limits, wall=clock.wall())
        await _warm_up(target, clock)


async def run(url: str, statements: Sequence[str]) -> None:
    """Execute statements one by one in a session of their own; raises `asyncpg.PostgresError`."""
    if not statements:
        return
    connection = await asyncpg.connect(url)
    try:
        for statement in statements:
            await connection.execute(statement)
    finally:
        await connection.close()


async def _warm_up(target: Target, clock: Clock) -> None:
    """Subscribe once, so that the worker runs and its slot exists, and leave again."""
    key = mint(target.secret, role="anon", wall=clock.wall())
    url = target.socket_url(f"ws://{TENANT}.localhost/socket/websocket?apikey={key}&vsn=2.0.0")
    host, port = target.address
    try:
        async with asyncio.timeout(_WARM_S), connect(url, host=host, port=port, proxy=None, compression=None) as socket:
            await socket.send(json.dumps(["1", "1", "realtime:warm", "phx_join", _JOIN]))
            while '"Subscribed to PostgreSQL"' not in str(await socket.recv()):
                pass
    except TimeoutError as error:
        raise StackUnfit(f"{host}:{port} did not say `Subscribed to PostgreSQL` within {_WARM_S:.0f} s") from error
    await clock.sleep(_SETTLE_S)
