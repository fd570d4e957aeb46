"""Pages that a generation waits for."""

from types import SimpleNamespace
from typing import Any

from load.playing.generation import Generation


def page(name: str, *, closes: bool) -> Any:
    tab = SimpleNamespace(name=name, ended=False)
    return SimpleNamespace(tab=tab, close=lambda *, leaves: setattr(tab, "ended", closes))


def generation(*pages: Any) -> Generation:
    made = Generation(0, {}, zero=0.0, storm=False, tell=lambda *told, **more: None)
    for one in pages:
        made.keep(one)
    return made


def test_pages_that_have_not_closed_are_counted() -> None:
    assert generation(page("a", closes=True), page("b", closes=False)).close(within=0.0) == 1


def test_a_page_that_was_let_go_is_not_waited_for() -> None:
    crashed = page("b", closes=False)
    made = generation(page("a", closes=True), crashed)

    made.let_go(crashed)

    assert made.close(within=60.0) == 0
