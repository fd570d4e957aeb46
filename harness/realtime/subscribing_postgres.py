"""Bindings become subscriptions: which published tables they name, and whether their filters fit the columns.

What the real server's trigger checks at the insert into `realtime.subscription` (realtime-facts 4.1 and 4.2;
recordings p03b, p04, p12).
"""

import re
from collections.abc import Mapping, Sequence
from itertools import groupby
from typing import Final

import asyncpg

from harness.errors import VisibilityError
from harness.realtime.auth import Claims
from harness.realtime.quirks import Quirks
from harness.realtime.session_postgres import Session
from harness.realtime.subscription import Binding, BoundFilter, Refused, Subscriber, Subscription, Wanted
from harness.realtime.visibility import TableColumn

_NO_ANSWER: Final = (
    asyncpg.PostgresConnectionError,
    asyncpg.exceptions.OperatorInterventionError,
    asyncpg.InterfaceError,
    OSError,
)
_SAID_OTHERWISE: Final = {"P0001": "raise_exception"}
"""Conditions that asyncpg names otherwise than PostgreSQL's list of error codes."""


class Subscribing:
    """Makes subscriptions, all of a channel or none."""

    def __init__(self, session: Session, queries: Mapping[str, str], *, publication: str, quirks: Quirks) -> None:
        self._session = session
        self._queries = queries
        self._publication = publication
        self._quirks = quirks

    async def subscribe(
        self, subscriber: Subscriber, wanted: Sequence[tuple[Binding, Wanted]], claims: Claims
    ) -> tuple[Subscription, ...] | Refused:
        """See `Visibility.subscribe`."""
        made: list[Subscription] = []
        for position, (binding, each) in enumerate(wanted):
            try:
                tables = await self._published(each, claims)
                bound = [(relation, await self._bind(each, columns)) for relation, columns in tables]
            except _Invalid as error:
                return _refused(each, f"ERROR P0001 (raise_exception) {error}")
            except _NO_ANSWER as error:
                raise VisibilityError(f"the database does not answer: {error}") from error
            except asyncpg.PostgresError as error:
                return _refused(each, _words(error))
            if not bound:
                return Refused(message=f"{_CANNOT}. {_NOT_ENABLED}: {each.words()}")
            made += [
                Subscription(
                    subscriber=subscriber,
                    binding_id=binding.id,
                    position=position,
                    relation=relation,
                    action=each.action,
                    claims=claims,
                    filters=filters,
                    select=each.select,
                )
                for relation, filters in bound
            ]
        return tuple(made)

    async def _published(self, wanted: Wanted, claims: Claims) -> list[tuple[int, Mapping[str, TableColumn]]]:
        """The tables that a binding names, each with the columns that the role may select."""
        rows = await self._session.fetch(
            self._queries["published"],
            self._publication,
            wanted.schema,
            wanted.table,
            self._quirks.names_are_like_patterns,
            claims.role,
        )
        return [
            (relation, {row["name"]: table_column(row) for row in group if row["selectable"]})
            for relation, group in groupby(rows, key=lambda row: int(row["relation"]))
        ]

    async def _bind(self, wanted: Wanted, columns: Mapping[str, TableColumn]) -> tuple[BoundFilter, ...]:
        for each in wanted.filters:
            if each.column not in columns:
                raise _Invalid(f"invalid column for filter {each.column}")
        types = [columns[each.column].cast(self._quirks) for each in wanted.filters]
        values = [each.value for each in wanted.filters]
        literals = await self._session.fetch(self._queries["canonical"], types, values) if types else ()
        for name in wanted.select or ():
            if name not in columns:
                raise _Invalid(f"invalid column for select {name}")
        return tuple(
            BoundFilter(
                column=each.column,
                type_name=type_name,
                literal=literal["value"],
                negate=each.negate,
                as_text=columns[each.column].as_text,
            )
            for each, type_name, literal in zip(wanted.filters, types, literals, strict=True)
        )


def table_column(row: asyncpg.Record) -> TableColumn:
    """A row of `harness_columns` as a value."""
    return TableColumn(
        name=row["name"],
        type_name=row["type_name"],
        bare_type=row["bare_type"],
        full_type=row["full_type"],
        built_in=row["built_in"],
        enum=row["enum"],
        key=row["key"],
    )


class _Invalid(Exception):
    """What the real server's trigger raises; the message is its words."""


_CANNOT: Final = "Unable to subscribe to changes with given parameters"
_NOT_ENABLED: Final = "Please check Realtime is enabled for the given connect parameters"
_EXCEPTION: Final = "An exception happened so please check your connect parameters"


def _refused(wanted: Wanted, exception: str) -> Refused:
    return Refused(message=f"{_CANNOT}. {_EXCEPTION}: {wanted.words()}. Exception: {exception}")


def _words(error: asyncpg.PostgresError) -> str:
    """An error as Postgrex prints it: `ERROR 22P02 (invalid_text_representation) invalid input syntax …`."""
    name = type(error).__name__.removesuffix("Error")
    snake = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower()
    code = error.sqlstate or ""
    return f"ERROR {code} ({_SAID_OTHERWISE.get(code, snake)}) {error.message}"
