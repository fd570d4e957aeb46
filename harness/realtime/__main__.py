"""The engine as a program of its own, to stand where `supabase/realtime` stands: `python -m harness.realtime`.

Beside the straight line: the server of `realtime/` over a PostgreSQL that somebody else runs. Its environment is
that of the real image (docs/compose.md). SIGTERM ends every socket with 1012, as a server that restarts.
"""

import asyncio
import logging
import os
import signal
import sys
from contextlib import AsyncExitStack, suppress
from random import Random, SystemRandom
from typing import Final

from aiohttp import web

from harness.clock import Clock, SystemClock
from harness.errors import HarnessError, VisibilityError
from harness.history import Op, Recorder
from harness.history.secrets import hide_secrets
from harness.realtime.engine_settings import EngineSettings, engine_settings
from harness.realtime.messages_postgres import APPLICATION_NAME, PUBLICATION, PostgresMessages
from harness.realtime.server import RealtimeServer
from harness.realtime.visibility_postgres import PostgresVisibility
from harness.realtime.worker import Worker
from harness.replication.source import ChangeSource
from harness.replication.source_postgres import PolledSource
from harness.replication.source_visible import VisibleSource

_AGAIN_S: Final = 0.5
_GOODBYE_S: Final = 2.0
_ENDING: Final = (signal.SIGTERM, signal.SIGINT)

_log: Final = logging.getLogger("realtime")


def main() -> int:
    """Serve until SIGTERM or SIGINT; the exit code is 0 then, 64 for a wrong environment, 2 for what broke."""
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
    async with AsyncExitStack() as stack:
        recorder = Recorder(clock.now, sinks=(_tell,), keep=False)
        visibility, messages = await _opened(settings, recorder, clock=clock, rng=rng)
        stack.push_async_callback(messages.close)
        stack.push_async_callback(visibility.close)

        def source() -> ChangeSource:
            url, feed = settings.database_url, settings.tenant.feed
            return VisibleSource(PolledSource(url, slot=settings.slot, publication=feed, clock=clock), url, clock=clock)

        worker = Worker(
            tenant=settings.tenant,
            visibility=visibility,
            open_source=source,
            clock=clock,
            rng=Random(rng.random()),
            recorder=recorder,
        )
        stack.push_async_callback(worker.close)
        server = RealtimeServer(
            tenant=settings.tenant,
            worker=worker,
            messages=messages,
            recorder=recorder,
            clock=clock,
            rng=Random(rng.random()),
        )
        await _listen(settings, server, stack)
        _log.info("serving tenant %s on %s:%d", settings.tenant.external_id, settings.bind_host, settings.port)
        await asyncio.Event().wait()


async def _listen(settings: EngineSettings, server: RealtimeServer, stack: AsyncExitStack) -> None:
    application = web.Application()
    application.add_routes(server.routes())
    runner = web.AppRunner(application, access_log=None, shutdown_timeout=_GOODBYE_S)
    await runner.setup()
    stack.push_async_callback(runner.cleanup)
    await web.TCPSite(runner, settings.bind_host, settings.port).start()
    stack.push_async_callback(server.close)


async def _opened(
    settings: EngineSettings, recorder: Recorder, *, clock: Clock, rng: Random
) -> tuple[PostgresVisibility, PostgresMessages]:
    """The sessions in the database, as soon as it takes them; the reason for waiting is told once."""
    told = ""
    while True:
        visibility = PostgresVisibility(
            settings.database_url,
            publication=settings.tenant.publication,
            quirks=settings.tenant.quirks,
            max_record_bytes=settings.tenant.max_record_bytes,
        )
        messages = _messages(settings, recorder, clock=clock, rng=Random(rng.random()))
        try:
            await messages.open()
            await visibility.open()
            return visibility, messages
        except VisibilityError as error:
            await visibility.close()
            await messages.close()
            if (reason := hide_secrets(str(error))) != told:
                _log.info("waiting for database %s: %s", settings.database, reason)
                told = reason
        await clock.sleep(_AGAIN_S)


def _messages(settings: EngineSettings, recorder: Recorder, *, clock: Clock, rng: Random) -> PostgresMessages:
    """Polled, where the real server streams: over TCP our replication client knows no passwords."""

    def source() -> ChangeSource:
        return PolledSource(
            settings.database_url,
            slot=settings.messages_slot,
            publication=PUBLICATION,
            application_name=APPLICATION_NAME,
            clock=clock,
        )

    return PostgresMessages(settings.database_url, open_source=source, clock=clock, rng=rng, recorder=recorder)


def _tell(op: Op) -> None:
    if op.error is not None:
        _log.warning("%s %s: %s", op.actor, op.f, hide_secrets(op.error))


if __name__ == "__main__":
    sys.exit(main())
