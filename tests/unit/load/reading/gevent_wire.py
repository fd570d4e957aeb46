"""A tab's socket: however it ends, the tab is told, and nobody else is hurt."""

from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import gevent  # type: ignore[import-untyped]
import pytest
from gevent.event import Event  # type: ignore[import-untyped]

from harness.phoenix.close_codes import ABNORMAL
from harness.phoenix.connection import Connect
from load.reading import wire as module
from load.reading.wire import Wire


class Tab:
    """One that wants a socket, once; its end is in `told`."""

    name, process_id, token = "reader-1", "p", "t"

    def __init__(self) -> None:
        self.ended = False
        self.is_open = Event()
        self.told: list[tuple[int, str, str]] = []

    def open(self, now: float) -> None: ...

    def applied(self) -> list[Any]:
        return []

    frames_to_send = fetches = applied

    def wants(self) -> Connect:
        return Connect()

    def next_deadline(self) -> None:
        return None

    def opened(self, now: float) -> None:
        self.is_open.set()

    def socket_closed(self, code: int, reason: str, by: str, now: float) -> None:
        self.told.append((code, reason, by))
        self.ended = True


def wired(tab: Any, *, url: str = "ws://127.0.0.1:9") -> Wire:
    return Wire(tab, realtime_url=url, apikey="KEY", app_url="http://127.0.0.1:9", applied=lambda one: None)


def run(wire: Wire) -> None:
    with gevent.Timeout(5.0):
        wire.run()


def test_a_socket_that_dies_of_what_nobody_thought_of_is_told_to_the_tab(monkeypatch: pytest.MonkeyPatch) -> None:
    def breaks(*_: Any, **options: Any) -> Any:
        raise RuntimeError("a bug")

    monkeypatch.setattr(module, "connect", breaks)
    tab = Tab()

    run(wired(tab))

    assert tab.told == [(ABNORMAL, "the load generator failed", "client")]


def test_a_url_that_is_none_is_told_without_the_key_in_it() -> None:
    tab = Tab()

    run(wired(tab, url="https://h"))

    assert tab.told == [(ABNORMAL, "REALTIME_URL is no URL of a WebSocket", "client")]


def test_a_socket_that_is_broken_already_can_be_dropped(monkeypatch: pytest.MonkeyPatch) -> None:
    class Broken:
        """A socket that gives no frame until it is dropped, which it does not survive."""

        close_code, close_reason = None, None

        def __init__(self) -> None:
            self.dropped = Event()
            self.socket = SimpleNamespace(shutdown=self._shutdown)

        def __enter__(self) -> "Broken":
            return self

        def __exit__(self, *_: object) -> None: ...

        def __iter__(self) -> Iterator[str]:
            self.dropped.wait()
            return iter(())

        def _shutdown(self, how: int) -> None:
            self.dropped.set()
            raise OSError(107, "Transport endpoint is not connected")

    monkeypatch.setattr(module, "connect", lambda *_, **options: Broken())
    tab = Tab()
    wire = wired(tab)
    running = gevent.spawn(run, wire)
    tab.is_open.wait(timeout=5.0)

    wire.drop()
    running.get()

    assert tab.told == [(ABNORMAL, "", "client")]
