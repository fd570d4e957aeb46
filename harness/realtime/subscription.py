"""What a client asked to hear, and what the server keeps of it: bindings, their ids, and subscriptions.

A binding is one element of a join's `postgres_changes`; for each published table that it names there is one
subscription (realtime-facts 3.2, 4.1; recordings p01b, p03b, p12).
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from harness.realtime.auth import Claims
from harness.realtime.elixir import inspect
from harness.realtime.filters import Filter, Unparsable, parse

_ACTIONS: Final = frozenset({"INSERT", "UPDATE", "DELETE"})
_ID_BITS: Final = 27
_ABSENT: Final = object()


@dataclass(frozen=True, slots=True, kw_only=True)
class Binding:
    """One element that a client asked for: `element` verbatim, and the id by which its changes are labelled."""

    id: int
    element: Mapping[str, Any]

    def echo(self) -> dict[str, Any]:
        """The element as the join reply gives it back."""
        return {**self.element, "id": self.id}


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """A binding that was understood. `select` is None for all columns."""

    action: str
    schema: str
    table: str
    filters: tuple[Filter, ...] = ()
    select: tuple[str, ...] | None = None

    def words(self) -> str:
        """As Realtime quotes it in a refusal."""
        filters = inspect([each.words() for each in self.filters])
        select = inspect(None if self.select is None else list(self.select))
        return (
            f"[event: {self.action}, schema: {self.schema}, table: {self.table}, filters: {filters}, select: {select}]"
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Refused:
    """Changes that cannot be subscribed to; `message` goes into the `system` error. The channel stays joined."""

    message: str


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, weakref_slot=True)
class Subscriber:
    """A joined channel that wants changes. `link` names its socket; two joins of a topic are two subscribers."""

    link: str
    topic: str
    vsn: str
    legacy: bool = False


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Subscription:
    """One binding on one table, under the claims with which it was made. `position` is the binding's in its join.

    `row` is its `id` in `realtime.subscription`. Equal filters are the same object.
    """

    subscriber: Subscriber
    row: int
    binding_id: int
    position: int
    relation: int
    action: str
    claims: Claims = field(repr=False)
    filters: tuple[Filter, ...] = ()
    select: tuple[str, ...] | None = None

    def hears(self, action: str) -> bool:
        """Whether a change of this kind was asked for."""
        return self.action in ("*", action)


def binding(element: Mapping[str, Any]) -> Binding:
    """An element with its id: 27 bits of its canonical JSON, the same for the same element everywhere, never 0."""
    text = json.dumps(element, sort_keys=True, separators=(",", ":"))
    number = int.from_bytes(hashlib.sha256(text.encode()).digest()[:4], "big") >> (32 - _ID_BITS)
    return Binding(id=number or 1, element=element)


def understand(element: Mapping[str, Any]) -> Wanted | Refused:
    """What an element asks for, or why Realtime refuses it.

    Accepted are schema and table, with or without filter, a schema alone and a table alone; a key that is there
    with a value that is no string counts as there (recordings p03b, `filter_null` and `table_num`).
    """
    select = element.get("select")
    if isinstance(select, str):
        return Refused(
            message="Error parsing `select` params: expected a list of column name strings, "
            'e.g. select: ["col1", "col2"]'
        )
    names = _names(element)
    if names is None:
        return Refused(message=f"{_NO_PARAMS}: {_quoted(element)}")
    filters = parse(element.get("filter", ""))
    if isinstance(filters, Unparsable):
        return Refused(message=filters.message)
    columns = _columns(select)
    if columns is not None and "*" in names:
        return Refused(message=_NO_WILDCARD_SELECT)
    schema, table = names
    return Wanted(action=_action(element.get("event")), schema=schema, table=table, filters=filters, select=columns)


_NO_PARAMS: Final = "No subscription params provided. Please provide at least a `schema` or `table` to subscribe to"
_NO_WILDCARD_SELECT: Final = (
    "Column selection is not supported for wildcard subscriptions. Provide an explicit schema and table name."
)


def _names(element: Mapping[str, Any]) -> tuple[str, str] | None:
    schema, table, filter_ = (element.get(key, _ABSENT) for key in ("schema", "table", "filter"))
    if isinstance(schema, str) and isinstance(table, str) and (filter_ is _ABSENT or isinstance(filter_, str)):
        return schema, table
    if filter_ is not _ABSENT:
        return None
    if isinstance(schema, str) and table is _ABSENT:
        return schema, "*"
    if isinstance(table, str) and schema is _ABSENT:
        return "public", table
    return None


def _columns(select: Any) -> tuple[str, ...] | None:
    """What is no name is ignored; where nothing is left nothing was selected, so that all columns come."""
    names = tuple(name for name in select if isinstance(name, str)) if isinstance(select, list) else ()
    return names or None


def _quoted(element: Mapping[str, Any]) -> str:
    """The element for a refusal; never with a token in it, as the real server."""
    return "<redacted>" if element.keys() & {"user_token", "auth_token"} else inspect(element)


def _action(event: Any) -> str:
    upper = event.upper() if isinstance(event, str) else ""
    return upper if upper in _ACTIONS else "*"
