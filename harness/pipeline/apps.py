"""The applications that can stand trial, by the names of `--app`."""

from collections.abc import Callable, Mapping
from typing import Final

from harness.errors import NotThereYet, UsageError
from harness.pipeline.app import App
from harness.pipeline.reference import Reference


def _reference(debounce: str | None) -> App:
    return Reference() if debounce is None else Reference(debounce=debounce)


def _as_specified(debounce: str | None) -> App:
    from harness.pipeline.as_specified.app import AsSpecified

    return AsSpecified(debounce=debounce)


APPS: Final[Mapping[str, Callable[[str | None], App]]] = {
    "reference": _reference,
    "as-specified": _as_specified,
}
"""Name → the application with that debounce policy, or with its own for None."""


def app_named(name: str, debounce: str | None = None) -> App:
    """The application of that name; raises `UsageError`, with the names that there are, for any other."""
    if name == "URL" or "://" in name:
        raise NotThereYet(f"--app {name}")
    if name not in APPS:
        raise UsageError(f"no application {name!r}: give --app one of {', '.join(APPS)}")
    return APPS[name](debounce)
