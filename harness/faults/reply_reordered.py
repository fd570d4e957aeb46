"""A server that tells the bindings of a join in another way than they were asked for."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from random import Random
from typing import Any, ClassVar

from harness.faults.fault import Admission, Direction, Fate, Frame


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplyReordered:
    """The reply to a join has its `postgres_changes` in reverse; if it has only one, its filter is spelt otherwise.

    Clients compare by place and letter: "mismatch between server and client bindings for postgres changes"
    (supabase#10110, supabase-js#1917, delivery-bugs B17). Other replies, and those without bindings, pass.
    """

    link: str
    at: float = 0.0
    lasts: float | None = None

    admission: ClassVar[Admission] = Admission.PASS
    onset: ClassVar[Fate] = Fate.PASS
    bytes_per_s: ClassVar[float | None] = None

    def fate(self, frame: Frame, rng: Random) -> Fate:
        message = frame.message() if frame.direction is Direction.TO_CLIENT else {}
        bindings = _bindings(message)
        if not bindings:
            return Fate.PASS
        told = bindings[::-1] if len(bindings) > 1 else [_spelt_otherwise(bindings[0])]
        return Fate.replace(_with(frame, message, told))


def _bindings(message: Mapping[str, Any]) -> Sequence[Any]:
    payload = message.get("payload") if message.get("event") == "phx_reply" else None
    response = payload.get("response") if isinstance(payload, dict) else None
    bindings = response.get("postgres_changes") if isinstance(response, dict) else None
    return bindings if isinstance(bindings, list) else ()


def _spelt_otherwise(binding: Any) -> Any:
    """`id=eq.7` as `id = eq.7`; no filter as an empty one."""
    if not isinstance(binding, dict):
        return binding
    asked = binding.get("filter")
    return {**binding, "filter": asked.replace("=", " = ", 1) if isinstance(asked, str) else ""}


def _with(frame: Frame, message: Mapping[str, Any], bindings: Sequence[Any]) -> bytes:
    """The frame with other bindings, in the framing that it had (vsn 1.0.0 is an object, 2.0.0 an array)."""
    payload = message["payload"]
    changed = {**payload, "response": {**payload["response"], "postgres_changes": bindings}}
    told = {**message, "payload": changed}
    value = list(told.values()) if isinstance(json.loads(frame.payload), list) else told
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()
