"""Asks PostgreSQL who may read and write on a private channel: the policies on `realtime.messages`, by rows that are
undone again (realtime-facts 5.6)."""

import json
from collections.abc import Collection
from typing import Final

import asyncpg

from harness.realtime.authorisation import Extension, Failure, Reason, Visitor
from harness.realtime.session_postgres import Session

_AUTHORISE: Final = "select readable, writable from realtime.harness_authorise($1, $2, $3, $4, $5, $6)"
_REASONS: Final = {"57014": Reason.CANCELED, "23514": Reason.NO_PARTITION}
"""By SQLSTATE. Every other error was raised by a policy, or the role is none."""
_UNREACHABLE: Final = (asyncpg.PostgresConnectionError, asyncpg.exceptions.OperatorInterventionError)


class PostgresAuthorisation:
    """The arm of `Authorisation` over a superuser's session, in whose database `sql/messages.sql` was run."""

    def __init__(self, session: Session) -> None:
        self._session = session

    @property
    def standing(self) -> bool:
        """See `Authorisation.standing`."""
        return self._session.standing

    async def reach(self) -> Failure | None:
        """See `Authorisation.reach`."""
        try:
            await self._session.fetch("select 1")
        except (asyncpg.PostgresError, asyncpg.InterfaceError, OSError) as error:
            return Failure(reason=Reason.NO_DATABASE, words=str(error))
        return None

    async def readable(self, visitor: Visitor, extensions: Collection[Extension]) -> frozenset[Extension] | Failure:
        """See `Authorisation.readable`."""
        answer = await self._ask(visitor, extensions, ())
        return answer if isinstance(answer, Failure) else frozenset(map(Extension, answer["readable"]))

    async def writable(self, visitor: Visitor, extension: Extension) -> bool | Failure:
        """See `Authorisation.writable`."""
        answer = await self._ask(visitor, (), (extension,))
        return answer if isinstance(answer, Failure) else bool(answer["writable"])

    async def _ask(
        self, visitor: Visitor, reads: Collection[Extension], writes: Collection[Extension]
    ) -> asyncpg.Record | Failure:
        headers = json.dumps(dict(visitor.headers))
        about = (visitor.role, visitor.topic, visitor.claims, headers, list(map(str, reads)), list(map(str, writes)))
        try:
            (answer,) = await self._session.fetch(_AUTHORISE, *about)
        except (asyncpg.PostgresError, asyncpg.InterfaceError, OSError) as error:
            return _failure(error)
        return answer


def _failure(error: Exception) -> Failure:
    state = getattr(error, "sqlstate", None)
    if isinstance(error, asyncpg.PostgresError) and (state in _REASONS or not isinstance(error, _UNREACHABLE)):
        return Failure(reason=_REASONS.get(state or "", Reason.POLICY), words=str(error))
    return Failure(reason=Reason.NO_DATABASE, words=str(error))
