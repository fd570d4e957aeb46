"""The eleven hops of the straight line, in order: values of `Op.f`, named here and nowhere else."""

from typing import Final

EMIT: Final = "emit"
DEBOUNCE: Final = "debounce"
INSERT: Final = "insert"
COMMIT: Final = "commit"
DECODE: Final = "decode"
AUTHORISE: Final = "authorise"
DISPATCH: Final = "dispatch"
SEND: Final = "send"
RECEIVE: Final = "receive"
DELIVER: Final = "deliver"
APPLY: Final = "apply"

HOPS: Final = (EMIT, DEBOUNCE, INSERT, COMMIT, DECODE, AUTHORISE, DISPATCH, SEND, RECEIVE, DELIVER, APPLY)
