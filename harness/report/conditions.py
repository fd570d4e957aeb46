"""Under which conditions a run was made, from the header of its history, in words for the head of a report."""

from collections.abc import Mapping
from typing import Any, Final

APPS: Final[Mapping[str, str]] = {
    "reference": "The application under test is our reference.",
    "as-specified": "The application under test does what the specification says, to the letter: it is the accused.",
}


def run_words(header: Mapping[str, Any]) -> str:
    """Scenario, seed and backend, and then the application and the clock as far as the header tells of them."""
    told = [str(header.get("scenario")), f"seed {header.get('seed')}", f"on {header.get('backend')}"]
    told += [f"{key} {header[key]}" for key in ("app", "debounce") if header.get(key)]
    told += [f"{key.replace('_', ' ')} {header[key]:g}" for key in ("pace", "time_factor") if _is_number(header, key)]
    return ", ".join(told)


def notes(header: Mapping[str, Any]) -> str:
    """Sentences on whose code ran and which clock the times are of; nothing where there is nothing to explain."""
    told = [APPS.get(str(header.get("app")), "")]
    if _is_number(header, "time_factor") and header["time_factor"] != 1:
        told.append(f"Times are of the run's clock, {header['time_factor']:g} times as fast as real time.")
    if _is_number(header, "pace") and header["pace"] != 1:
        told.append(f"Waiting times of story and application were divided by {header['pace']:g}.")
    return " ".join(filter(None, told))


def _is_number(header: Mapping[str, Any], key: str) -> bool:
    return isinstance(header.get(key), int | float)
