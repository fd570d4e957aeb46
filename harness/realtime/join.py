"""A join: its payload becomes bindings or a refusal (realtime-facts 3; recordings p01, p01b, p03b, p07)."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from harness.phoenix.message import Binary
from harness.realtime.elixir import inspect
from harness.realtime.subscription import Binding, binding

_PREFIX: Final = "realtime:"
_NOT_A_MAP: Final = "UnknownErrorOnChannel: no function clause matching in Access.get/3"
_NOT_KEYWORDS: Final = (
    "UnknownErrorOnChannel: the Access module supports only keyword lists (with atom keys), got: "
    '"broadcast"\n\nIf you want to search lists of tuples, use List.keyfind/3'
)


@dataclass(frozen=True, slots=True, kw_only=True)
class BroadcastOptions:
    """What a channel wants of broadcasts: its own ones too, a reply to each push, older ones, word of the stream.

    `replay` holds what was asked for, as it came; it is empty if nothing was.
    """

    own: bool = False
    ack: bool = False
    replay: tuple[Any, ...] = ()
    replication_ready: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Join:
    """A join that was understood. `legacy` is one without `config`, whose events look different (recording p01b)."""

    bindings: tuple[Binding, ...] = ()
    private: bool = False
    broadcast: BroadcastOptions = BroadcastOptions()
    presence: bool = False
    presence_key: Any = None
    legacy: bool = False

    def response(self) -> dict[str, Any]:
        """What the ok reply carries: every element as it came, in the order in which it came, with its id."""
        return {"postgres_changes": [each.echo() for each in self.bindings]}


@dataclass(frozen=True, slots=True, kw_only=True)
class JoinRefusal:
    """A join that is answered with an error; after some the socket is closed as well (realtime-facts 1.5)."""

    reason: str
    close_code: int | None = None


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
        return JoinRefusal(reason=f"UnknownErrorOnChannel: expected params to be a :map, got: `{_quoted(payload)}`")
    return None


def public_refusal(payload: Mapping[str, Any]) -> JoinRefusal | None:
    """What a tenant with private channels only refuses before any token is looked at (realtime-facts 3.3)."""
    config = payload.get("config")
    if isinstance(config, dict) and _is_true(config.get("private")):
        return None
    return JoinRefusal(reason="PrivateOnly: This project only allows private channels")


def read(topic: str, payload: Mapping[str, Any]) -> Join | JoinRefusal:
    """The join that a payload describes.

    Parts that are not valid are ignored as the real server does, but for the few on which it stumbles
    (recording p03b, clients `M_…`).
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
    presence = config.get("presence")
    return Join(
        bindings=tuple(map(binding, wanted)),
        private=_is_true(config.get("private")),
        broadcast=_broadcast_options(config.get("broadcast") or {}),
        presence=isinstance(presence, dict) and _is_true(presence.get("enabled")),
        presence_key=presence.get("key") if isinstance(presence, dict) else None,
    )


def _legacy_element(topic: str) -> dict[str, str]:
    """`realtime:schema[:table[:filter]]`."""
    return dict(zip(("schema", "table", "filter"), short_topic(topic).split(":", 2), strict=False))


def _broadcast_options(given: Mapping[str, Any]) -> BroadcastOptions:
    return BroadcastOptions(
        own=_is_true(given.get("self")),
        ack=_is_true(given.get("ack")),
        replay=(given["replay"],) if "replay" in given else (),
        replication_ready=_is_true(given.get("replication_ready")),
    )


def _stumble(config: Any) -> JoinRefusal | None:
    if isinstance(config, list):
        return JoinRefusal(reason=_NOT_KEYWORDS)
    if not isinstance(config, dict):
        return JoinRefusal(reason=_NOT_A_MAP)
    broadcast = config.get("broadcast")
    return None if broadcast is None or isinstance(broadcast, dict) else JoinRefusal(reason=_NOT_A_MAP)


def _quoted(payload: Any) -> str:
    """As Elixir prints it; a binary frame (kind 0) is a tuple there."""
    if not isinstance(payload, Binary):
        return inspect(payload)
    try:
        text = payload.data.decode()
    except UnicodeDecodeError:
        text = ""
    readable = (text.isprintable() and bool(text)) or not payload.data
    return f"{{:binary, {inspect(text) if readable else '<<' + ', '.join(map(str, payload.data)) + '>>'}}}"


def _is_true(value: Any) -> bool:
    """Booleans may be strings in any case (realtime-facts 3.1)."""
    return value is True or (isinstance(value, str) and value.lower() == "true")
