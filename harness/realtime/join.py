"""A join: its payload becomes bindings or a refusal (realtime-facts 3; recordings p01, p01b, p03b, p07)."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from harness.realtime.elixir import inspect
from harness.realtime.subscription import Binding, binding

_PREFIX: Final = "realtime:"
_NOT_A_MAP: Final = "UnknownErrorOnChannel: no function clause matching in Access.get/3"
_NOT_KEYWORDS: Final = (
    "UnknownErrorOnChannel: the Access module supports only keyword lists (with atom keys), got: "
    '"broadcast"\n\nIf you want to search lists of tuples, use List.keyfind/3'
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Join:
    """A join that was understood. `legacy` is one without `config`, whose events look different (recording p01b)."""

    bindings: tuple[Binding, ...] = ()
    presence: bool = False
    legacy: bool = False

    def response(self) -> dict[str, Any]:
        """What the ok reply carries: every element as it came, in the order in which it came, with its id."""
        return {"postgres_changes": [each.echo() for each in self.bindings]}


@dataclass(frozen=True, slots=True, kw_only=True)
class JoinRefusal:
    """A join that is answered with an error."""

    reason: str


def short_topic(topic: str) -> str:
    """The topic as `system` messages name it in `channel`: without `realtime:`."""
    return topic.removeprefix(_PREFIX)


def token_of(payload: Any, socket_token: str) -> str:
    """The token of a channel: its own if it is a string and no opaque key, else the socket's (realtime-facts 1.4)."""
    given = [payload.get(key) for key in ("user_token", "access_token")] if isinstance(payload, dict) else []
    token = next((value for value in given if isinstance(value, str)), socket_token)
    return socket_token if token.startswith("sb_") else token


def shape_refusal(topic: str, payload: Any) -> JoinRefusal | None:
    """What is refused before any token is looked at: a topic without name, a payload that is no object."""
    if not short_topic(topic):
        return JoinRefusal(reason="TopicNameRequired: You must provide a topic name")
    if not isinstance(payload, dict):
        return JoinRefusal(reason=f"UnknownErrorOnChannel: expected params to be a :map, got: `{inspect(payload)}`")
    return None


def read(topic: str, payload: Mapping[str, Any]) -> Join | JoinRefusal:
    """The join that a payload describes.

    Parts that are not valid are ignored as the real server does, but for the few on which it stumbles
    (recording p03b, clients `M_…`). Private channels need policies that this server does not have yet, so they
    are refused in words of our own.
    """
    if "config" not in payload:
        return Join(bindings=(binding(_legacy_element(topic)),), legacy=True)
    config = payload["config"]
    if config is None:
        return Join()
    stumble = _stumble(config)
    if stumble is not None:
        return stumble
    elements = config.get("postgres_changes")
    wanted = [each for each in elements if each is not None] if isinstance(elements, list) else []
    odd = [each for each in wanted if not isinstance(each, dict)]
    if odd:
        return JoinRefusal(reason=f"UnknownErrorOnChannel: expected a map, got:\n\n    {inspect(odd[0])}\n")
    if _is_true(config.get("private")):
        return JoinRefusal(reason="NotBuilt: realtime-harness has no private channels yet; join with private: false")
    presence = config.get("presence")
    return Join(
        bindings=tuple(map(binding, wanted)),
        presence=isinstance(presence, dict) and _is_true(presence.get("enabled")),
    )


def _legacy_element(topic: str) -> dict[str, str]:
    """`realtime:schema[:table[:filter]]`."""
    return dict(zip(("schema", "table", "filter"), short_topic(topic).split(":", 2), strict=False))


def _stumble(config: Any) -> JoinRefusal | None:
    if isinstance(config, list):
        return JoinRefusal(reason=_NOT_KEYWORDS)
    if not isinstance(config, dict):
        return JoinRefusal(reason=_NOT_A_MAP)
    broadcast = config.get("broadcast")
    return None if broadcast is None or isinstance(broadcast, dict) else JoinRefusal(reason=_NOT_A_MAP)


def _is_true(value: Any) -> bool:
    """Booleans may be strings in any case (realtime-facts 3.1)."""
    return value is True or (isinstance(value, str) and value.lower() == "true")
