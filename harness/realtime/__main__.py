"""The engine as a program of its own, to stand where `supabase/realtime` stands: `python -m harness.realtime`.

Beside the straight line: the server of `realtime/` over a PostgreSQL that somebody else runs. Its environment is
that of the real image (docs/compose.md). SIGTERM ends every socket with 1012, as a server that restarts.
"""

import asyncio
import logging
import os
import signal
import sys
from contextlib import suppress
from random import Random, SystemRandom
from typing import Final

from aiohttp import web

from harness.clock import Clock, SystemClock
from harness.errors import HarnessError, VisibilityError
from harness.heap import keep_heap_small
from harness.history import Op, Recorder
from harness.history.secrets import hide_secrets
from harness.realtime.engine import Engine
from harness.realtime.engine_settings import EngineSettings, engine_settings
from harness.realtime.messages_postgres import APPLICATION_NAME, PUBLICATION
from harness.replication.source_postgres import PolledSource

_AGAIN_S: Final = 0.5
_GOODBYE_S: Final = 2.0
_ENDING: Final = (signal.SIGTERM, signal.SIGINT)

_log: Final = logging.getLogger("realtime")


def main() -> int:
    """Serve until SIGTERM or SIGINT; the exit code is 0 then, 64 for a wrong environment, 2 for what broke."""
    keep_heap_small()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s", stream=sys.stderr)
    try:
        # This program's door, as cli.py is that of `harness`.
        settings = engine_settings(os.environ)  # noqa: TID251
        return asyncio.run(_until_told_to_stop(settings))
    except HarnessError as error:
        _log.error("%s", hide_secrets(str(error)))
        return error.exit_code
    except OSError as error:  # the port is taken, or the address is not ours
        _log.error("cannot listen on %s:%d: %s", settings.bind_host, settings.port, error.strerror)
        return HarnessError.exit_code


async def _until_told_to_stop(settings: EngineSettings) -> int:
    """The first signal closes everything in order; a second one ends the process at once, as by default."""
    loop = asyncio.get_running_loop()
    serving = asyncio.create_task(serve(settings, clock=SystemClock(), rng=Random(SystemRandom().random())))

    def stop(number: signal.Signals) -> None:
        _log.info("%s: stopping, every socket is closed with 1012", number.name)
        serving.cancel()
        for each in _ENDING:
            loop.remove_signal_handler(each)

    for number in _ENDING:
        loop.add_signal_handler(number, stop, number)
    with suppress(asyncio.CancelledError):
        await serving
    _log.info("stopped")
    return 0


async def serve(settings: EngineSettings, *, clock: Clock, rng: Random) -> None:
    """Wait for the database, serve until cancelled, then say goodbye to every socket.

    Raises `OSError` if the port cannot be had.
    """
    recorder = Recorder(clock.now, complaints=(_tell,), keep=False)
    engine = _engine(settings, recorder, clock=clock, rng=rng)
    try:
        await _open(engine, settings, clock)
        await engine.serve(
            web.Application(),
            lambda runner: web.TCPSite(runner, settings.bind_host, settings.port),
            goodbye_s=_GOODBYE_S,
        )
        _log.info("serving tenant %s on %s:%d", settings.tenant.external_id, settings.bind_host, settings.port)
        await asyncio.Event().wait()
    finally:
        await engine.close()


async def _open(engine: Engine, settings: EngineSettings, clock: Clock) -> None:
    """As soon as the database takes its sessions; the reason for waiting is told once."""
    told = ""
    while True:
        try:
            await engine.prepare()
            return await engine.open()
        except VisibilityError as error:
            if (reason := hide_secrets(str(error))) != told:
                _log.info("waiting for database %s: %s", settings.database, reason)
                told = reason
        await clock.sleep(_AGAIN_S)


def _engine(settings: EngineSettings, recorder: Recorder, *, clock: Clock, rng: Random) -> Engine:
    """Messages are polled, where the real server streams: over TCP our replication client knows no passwords."""
    url = settings.database_url
    return Engine(
        tenant=settings.tenant,
        url=url,
        open_changes=lambda: PolledSource(url, slot=settings.slot, publication=settings.tenant.feed, clock=clock),
        open_messages=lambda: PolledSource(
            url,
            slot=settings.messages_slot,
            publication=PUBLICATION,
            application_name=APPLICATION_NAME,
            clock=clock,
        ),
        clock=clock,
        rng=rng,
        recorder=recorder,
    )


def _tell(op: Op) -> None:
    _log.warning("%s %s: %s", op.actor, op.f, hide_secrets(str(op.error)))


if __name__ == "__main__":
    sys.exit(main())
