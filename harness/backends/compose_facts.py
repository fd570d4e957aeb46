"""What the harness reads from Docker's answers: the stack as compose resolved it, and the images that run.

Beside the straight line: the compose file and its variables are the only place where ports and secrets stand.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from harness.errors import StackError
from harness.realtime.engine_settings import LIMITS
from harness.realtime.plans import Limits

STAND_IN: Final = "io.realtime-harness.stand-in"
"""The label of images that are ours and stand in for the vendor's."""
_WITHOUT_LIMIT: Final = 1_000_000_000
"""The columns of the real server are 32 bit wide and know no "none"."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Resolved:
    """A compose file with its variables put in. `images` are those of db and realtime, by service."""

    db_port: int
    db_user: str
    db_password: str = field(repr=False)
    db_name: str
    realtime_port: int
    tenant: str
    jwt_secret: str = field(repr=False)
    images: Mapping[str, str]

    @property
    def realtime_host(self) -> str:
        """A name of loopback whose first label is the tenant (realtime-facts 1.2)."""
        return {"localhost": "localhost", "127": "127.0.0.1"}.get(self.tenant, f"{self.tenant}.localhost")


@dataclass(frozen=True, slots=True, kw_only=True)
class Image:
    """An image that runs: what it is called, which one that is, and whether it is the vendor's."""

    name: str
    digest: str
    stand_in: bool

    def __str__(self) -> str:
        return f"{self.name}@{self.digest}" + (" (stand-in)" if self.stand_in else "")


def resolved(answer: str) -> Resolved:
    """From `docker compose config --format json`. Raises `StackError` if that is no stack as the harness needs it."""
    try:
        services = json.loads(answer.replace("$$", "$"))["services"]  # compose doubles it, so that it may be read again
        engine = services["realtime"]["environment"]
        return Resolved(
            db_port=_published(services["db"], 5432),
            db_user=engine["DB_USER"],
            db_password=engine["DB_PASSWORD"],
            db_name=engine["DB_NAME"],
            realtime_port=_published(services["realtime"], int(engine["PORT"])),
            tenant=engine.get("SELF_HOST_TENANT_NAME", "realtime-dev"),
            jwt_secret=engine["API_JWT_SECRET"],
            images={name: services[name]["image"] for name in ("db", "realtime")},
        )
    except (KeyError, TypeError, ValueError, StopIteration) as error:
        reason = f"{type(error).__name__} {error}"
        raise StackError(
            f"the compose file has no services db and realtime as docs/compose.md has them: {reason}"
        ) from (error)


def quoted(text: str) -> str:
    """A value in an env file of compose, where `$` would begin a name."""
    return '"' + re.sub(r'([\\"$])', r"\\\1", text) + '"'


def limit_variables(limits: Limits) -> Mapping[str, str]:
    """The variables that give a tenant these limits, as far as the real image has variables for them."""
    values = {variable: getattr(limits, limit) for variable, limit in LIMITS.items()}
    return {variable: str(_WITHOUT_LIMIT if value is None else value) for variable, value in values.items()}


def image(name: str, answer: str) -> Image:
    """From `docker image inspect` of one image; one that was built here has no digest in a registry, but an id."""
    about: dict[str, Any] = json.loads(answer)[0]
    digests = about.get("RepoDigests") or []
    labels = about["Config"].get("Labels") or {}
    return Image(
        name=name,
        digest=digests[0].partition("@")[2] if digests else about["Id"],
        stand_in=labels.get(STAND_IN) == "true",
    )


def _published(service: Mapping[str, Any], target: int) -> int:
    return next(int(port["published"]) for port in service["ports"] if port["target"] == target)
