"""The rows of `realtime.subscription`: made for channels that want changes, removed when those are gone.

Beside the line, between a channel's bindings and the worker. What the real server's trigger checks at the insert is
checked by ours (`sql/schema.sql`; realtime-facts 4.1 and 4.2; recordings p03b, p04, p12, p13).
"""

import json
import re
from collections.abc import Mapping, Sequence
from functools import lru_cache
from random import Random
from typing import Any, Final
from uuid import UUID
from weakref import WeakKeyDictionary

import asyncpg

from harness.errors import VisibilityError
from harness.realtime.auth import Claims
from harness.realtime.filters import Filter
from harness.realtime.quirks import Quirks
from harness.realtime.session_postgres import Session
from harness.realtime.subscription import Binding, Refused, Subscriber, Subscription, Wanted

_NO_ANSWER: Final = (
    asyncpg.PostgresConnectionError,
    asyncpg.exceptions.OperatorInterventionError,
    asyncpg.InterfaceError,
    OSError,
)
_BROKEN: Final = (asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError, OSError)
_SAID_OTHERWISE: Final = {"P0001": "raise_exception", "42601": "syntax_error", "XX000": "internal_error"}
"""Conditions that asyncpg names otherwise than PostgreSQL's list of error codes."""

_NOT_PUBLISHED: Final = "RH404"


class SubscriptionTable:
    """Makes and removes rows, all of a channel or none.

    It has the two sessions of the real server's subscription manager: one for what channels ask, one for itself
    (realtime-facts 4.3). A channel keeps the ids of its subscriptions when it subscribes again.
    """

    def __init__(self, dsn: str, queries: Mapping[str, str], *, publication: str, quirks: Quirks, rng: Random) -> None:
        self._asked = Session(dsn, application_name="realtime_subscription_manager_pub")
        self._own = Session(dsn, application_name="realtime_subscription_manager")
        self._queries = queries
        self._publication = publication
        self._quirks = quirks
        self._rng = rng
        self._ids: WeakKeyDictionary[Subscriber, list[UUID]] = WeakKeyDictionary()

    async def subscribe(
        self, subscriber: Subscriber, wanted: Sequence[tuple[Binding, Wanted]], claims: Claims
    ) -> tuple[Subscription, ...] | Refused:
        """See `Visibility.subscribe`."""
        elements = [each for _, each in wanted]
        ids = self._ids_of(subscriber, len(elements))
        asked = json.dumps([_row(each, id) for each, id in zip(elements, ids, strict=True)])
        try:
            rows = await self._asked.fetch(
                self._queries["subscribe"], self._publication, asked, claims.text, self._quirks.names_are_like_patterns
            )
        except _NO_ANSWER as error:
            raise VisibilityError(f"the database does not answer: {error}") from error
        except asyncpg.PostgresError as error:
            return _refused(elements, error)
        return tuple(_subscription(subscriber, wanted, claims, row) for row in rows)

    async def clear(self) -> None:
        """Delete every row of everybody; raises `VisibilityError`."""
        await self._do("clear")

    async def remove(self, rows: Sequence[int], *, forgotten: Sequence[int]) -> None:
        """Delete these rows, and the memory of those that somebody else deleted; raises `VisibilityError`."""
        await self._do("remove", rows, forgotten)

    async def published(self) -> frozenset[int]:
        """The tables of the publication now; raises `VisibilityError`."""
        return frozenset(row["relation"] for row in await self._do("published", self._publication))

    async def server_began(self) -> str:
        """When the database server began; raises `VisibilityError` while it does not answer."""
        found = await self._do("began")
        return str(found[0]["began"])

    async def release(self, slot: str) -> None:
        """End the session that holds a slot; raises `VisibilityError`."""
        await self._do("release", slot)

    async def close(self) -> None:
        """End both sessions. Safe to call twice."""
        await self._asked.close()
        await self._own.close()

    async def _do(self, query: str, *arguments: Any) -> Sequence[asyncpg.Record]:
        try:
            return await self._own.fetch(self._queries[query], *arguments)
        except _BROKEN as error:
            raise VisibilityError(f"the subscriptions cannot be kept: {error}") from error

    def _ids_of(self, subscriber: Subscriber, count: int) -> list[UUID]:
        """The ids of a subscriber's bindings in their order, made when they are first asked for."""
        ids = self._ids.setdefault(subscriber, [])
        while len(ids) < count:
            ids.append(UUID(int=self._rng.getrandbits(128), version=1))
        return ids[:count]


def _row(wanted: Wanted, id: UUID) -> dict[str, Any]:
    """What `harness_subscribe` reads of an element."""
    filters = [
        {"column_name": each.column, "op": each.op, "value": each.value, "negate": each.negate}
        for each in wanted.filters
    ]
    return {
        "id": str(id),
        "schema": wanted.schema,
        "table": wanted.table,
        "filters": filters,
        "action": wanted.action,
        "selected": wanted.select,
    }


def _subscription(
    subscriber: Subscriber, wanted: Sequence[tuple[Binding, Wanted]], claims: Claims, row: asyncpg.Record
) -> Subscription:
    position = row["element_at"] - 1
    binding, each = wanted[position]
    return Subscription(
        subscriber=subscriber,
        row=row["number"],
        binding_id=binding.id,
        position=position,
        relation=row["relation"],
        action=each.action,
        claims=claims,
        filters=_same(each.filters),
        select=None if each.select is None else tuple(sorted(each.select)),
    )


@lru_cache(maxsize=1 << 16)
def _same(filters: tuple[Filter, ...]) -> tuple[Filter, ...]:
    """Equal filters as the same object, so that they are evaluated once for all who have them."""
    return filters


_CANNOT: Final = "Unable to subscribe to changes with given parameters"
_NOT_ENABLED: Final = "Please check Realtime is enabled for the given connect parameters"
_EXCEPTION: Final = "An exception happened so please check your connect parameters"


def _refused(elements: Sequence[Wanted], error: asyncpg.PostgresError) -> Refused:
    """The refusal of the element whose position the error carries as DATATYPE (`harness_subscribe`)."""
    at = str(error.data_type_name or "1")
    words = elements[int(at) - 1 if at.isdecimal() else 0].words()
    if error.sqlstate == _NOT_PUBLISHED:
        return Refused(message=f"{_CANNOT}. {_NOT_ENABLED}: {words}")
    return Refused(message=f"{_CANNOT}. {_EXCEPTION}: {words}. Exception: {_words(error)}")


def _words(error: asyncpg.PostgresError) -> str:
    """An error as Postgrex prints it: `ERROR 22P02 (invalid_text_representation) invalid input syntax …`."""
    name = type(error).__name__.removesuffix("Error")
    snake = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower()
    code = error.sqlstate or ""
    said = f"ERROR {code} ({_SAID_OTHERWISE.get(code, snake)}) {error.message}"
    fields = {
        "table": error.table_name,
        "column": error.column_name,
        "constraint": error.constraint_name,
        "hint": error.hint,
    }
    more = [f"\n    {field}: {value}" for field, value in fields.items() if value]
    return said + ("\n" + "".join(more) if more else "") + (f"\n\n{error.detail}" if error.detail else "")
