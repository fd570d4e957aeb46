"""How a stack is reached: the variables that `harness up` prints and `--env-file` reads."""

import json
import shlex
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, fields
from typing import Self

from harness.errors import UsageError


@dataclass(frozen=True, slots=True, kw_only=True)
class Environment:
    """How to reach a stack: the variables of contract 3. Keys and passwords are secrets: never in a report."""

    api_url: str
    db_url: str = field(repr=False)
    anon_key: str = field(repr=False)
    service_role_key: str = field(repr=False)
    jwt_secret: str = field(repr=False)
    realtime_url: str
    realtime_http_url: str
    app_url: str
    harness_backend: str

    def variables(self) -> Mapping[str, str]:
        """Name → value, with the names of contract 3."""
        return {each.name.upper(): getattr(self, each.name) for each in fields(self)}

    def lines(self) -> str:
        """One `KEY="value"` a line, as `harness up` prints it and `--env-file` reads it."""
        return "".join(f"{key}={_quoted(value)}\n" for key, value in self.variables().items())

    @classmethod
    def parse(cls, text: str) -> Self:
        """From such lines, or the JSON object of `harness up --json`; comments and unknown keys are skipped.

        Raises `UsageError` with the line that is broken, or naming what is missing.
        """
        found = _json_object(text) if text.lstrip().startswith("{") else dict(_assignments(text))
        missing = [each.name.upper() for each in fields(cls) if each.name.upper() not in found]
        if missing:
            raise UsageError(f"the environment file has no {', '.join(missing)}: use what `harness up` printed")
        return cls(**{each.name: found[each.name.upper()] for each in fields(cls)})


def _quoted(value: str) -> str:
    """Quoted for a shell: in double quotes, unless the value has something that they do not protect."""
    return shlex.quote(value) if set(value) & set('"$`\\') else f'"{value}"'


def _assignments(text: str) -> Iterator[tuple[str, str]]:
    for number, line in enumerate(text.splitlines(), start=1):
        key, equals, value = line.strip().partition("=")
        if not equals or key.startswith("#"):
            continue
        try:
            yield key.strip().removeprefix("export "), "".join(shlex.split(value))
        except ValueError as error:
            raise UsageError(f"line {number} of the environment file is broken: {error}") from error


def _json_object(text: str) -> dict[str, str]:
    try:
        return {str(key): str(value) for key, value in json.loads(text).items()}
    except ValueError as error:
        raise UsageError(f"the environment file is no JSON object: {error}") from error
