"""Every join carries a token that is valid then, and that of the user who is signed in."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from harness.checkers.checker import Finding, Verdict
from harness.history import History, Op

ANON: Final = "anon"
SERVER: Final = "realtime"


@dataclass(frozen=True, slots=True, kw_only=True)
class Tokens:
    """Convicts joins by what the server saw of them.

    `token_refused`: refused for its token. `token_expired`: taken, though the token had ended. `joined_as_anon`: with
    anybody's token, though the reader's user was signed in: from the start, or for more than `grace_s` if the history
    tells when. Where the history has no joins as a server saw them, refusals that readers tell of convict, and
    otherwise it is unknown.
    """

    grace_s: float = 1.0

    def check(self, history: History) -> Verdict:
        joins = [op for op in history.where(f="join") if op.actor == SERVER]
        if not joins:
            refused = [_finding("token_refused", op, op.actor) for op in history.where(f="join") if _is_refused(op)]
            return Verdict.of(refused, looked_at=0)
        signed_in = _signed_in(history)
        findings = [
            _finding(what, op, str(op.value.get("link", ""))) for op in joins if (what := self._wrong(op, signed_in))
        ]
        return Verdict.of(findings, looked_at=sum(op.type == "ok" or _is_refused(op) for op in joins))

    def _wrong(self, op: Op, signed_in: Mapping[str, float]) -> str:
        if _is_refused(op):
            return "token_refused"
        if op.type != "ok":
            return ""
        expires = op.value.get("expires")
        if expires is not None and expires <= op.value.wall:
            return "token_expired"
        since = signed_in.get(str(op.value.get("link", "")))
        late = since is not None and op.time > since + self.grace_s
        return "joined_as_anon" if late and op.value.get("role") == ANON else ""


def _is_refused(op: Op) -> bool:
    """Whether a join was refused for its token: the reasons are worded in `realtime.auth`, as the real server's."""
    words = (op.error or "").lower()
    return "jwt" in words or "token" in words


def _signed_in(history: History) -> Mapping[str, float]:
    """Reader or listener → since when its user is signed in; those who are nobody are not in it."""
    named: Iterable[Op] = (*history.where(f="subscribe"), *history.where(f="listen"))
    since = {op.actor: float("-inf") for op in named if op.value.get("role", ANON) != ANON}
    for op in reversed(history.where(f="sign_in")):
        since[op.actor] = op.time
    return since


def _finding(what: str, op: Op, reader: str) -> Finding:
    detail: dict[str, Any] = {"reader": reader, "topic": op.value.get("topic")}
    if op.actor == SERVER:
        detail |= {key: op.value.get(key) for key in ("role", "expires", "wall")}
    return Finding(what, (op,), {**detail, "error": op.error})
