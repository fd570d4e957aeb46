"""Who may see a change, asked of PostgreSQL: its grants, its row security, its casts, its printing.

Between replication and dispatch. A batch costs two round trips, whatever the number of sockets: one for grants and
policies, one to print the rows; a third for filters on types whose text is not canonical.
"""

import json
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import astuple, dataclass, replace
from itertools import count
from random import Random
from typing import Any, Final

import asyncpg

from harness.errors import VisibilityError
from harness.realtime.auth import Claims
from harness.realtime.case import Answers, Case, Group
from harness.realtime.quirks import Quirks
from harness.realtime.rendering import statement
from harness.realtime.session_postgres import Session, read_queries
from harness.realtime.subscribing_postgres import SubscriptionTable
from harness.realtime.subscription import Binding, Refused, Subscriber, Subscription, Wanted
from harness.realtime.tenant import feed
from harness.realtime.visibility import Grant, Judgement, Question, Shape, Table, TableColumn
from harness.replication.change import Relation

_BROKEN: Final = (asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError, OSError)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Known:
    """A table as it was when its catalog was last read; `stamp` is another whenever that had changed."""

    relation: Relation
    table: Table
    stamp: int

    def is_as(self, found: Mapping[str, Any]) -> bool:
        """Whether the catalog still has this name and these columns."""
        named = (found["schema"], found["table"]) == (self.table.schema or None, self.table.name or None)
        return named and tuple(found["columns"] or ()) == tuple(column.name for column in self.table.columns)


class PostgresVisibility:
    """The arm of `Visibility` that asks a database. Call `open` first and `close` last.

    `dsn` must be a superuser's: what is in `sql/schema.sql` is installed, and roles are assumed. Changes must be read
    from the publication `tenant.feed(publication, quirks)`, which `open` makes.
    """

    def __init__(
        self,
        dsn: str,
        *,
        publication: str = "supabase_realtime",
        quirks: Quirks | None = None,
        max_record_bytes: int = 1 << 20,
        rng: Random | None = None,
    ) -> None:
        self._quirks = quirks if quirks is not None else Quirks()
        self._publication = publication
        self._max_record_bytes = max_record_bytes
        self._queries = read_queries()
        self._judging = Session(dsn)
        self._rows = SubscriptionTable(
            dsn, self._queries, publication=publication, quirks=self._quirks, rng=rng if rng is not None else Random(0)
        )
        self._tables: dict[int, _Known] = {}
        self._stamps = count(1)
        self._unsecured: frozenset[int] = frozenset()
        self._forgotten: set[int] = set()

    async def open(self) -> None:
        """Install what is needed in the database; raises `VisibilityError`."""
        mirror = feed(self._publication, self._quirks)
        try:
            await self._judging.install()
            if mirror != self._publication:
                await self._judging.fetch(self._queries["mirror"], self._publication, mirror)
        except _BROKEN as error:
            raise VisibilityError(f"the schema realtime cannot be prepared: {error}") from error

    async def close(self) -> None:
        """End all sessions. Safe to call twice."""
        await self._judging.close()
        await self._rows.close()

    async def subscribe(
        self, subscriber: Subscriber, wanted: Sequence[tuple[Binding, Wanted]], claims: Claims
    ) -> tuple[Subscription, ...] | Refused:
        """See `Visibility.subscribe`."""
        return await self._rows.subscribe(subscriber, wanted, claims)

    async def clear(self) -> None:
        """See `Visibility.clear`."""
        await self._rows.clear()
        self._forgotten.clear()

    async def remove(self, rows: Sequence[int]) -> None:
        """See `Visibility.remove`."""
        await self._rows.remove(rows, forgotten=sorted(self._forgotten))

    async def published(self) -> frozenset[int]:
        """See `Visibility.published`."""
        return await self._rows.published()

    async def server_began(self) -> str:
        """See `Visibility.server_began`."""
        return await self._rows.server_began()

    async def release(self, slot: str) -> None:
        """See `Visibility.release`."""
        await self._rows.release(slot)

    async def judge(self, questions: Sequence[Question]) -> tuple[Judgement, ...]:
        """See `Visibility.judge`."""
        try:
            cases = await self._cases(questions)
            await self._print(cases)
        except _BROKEN as error:
            raise VisibilityError(f"a batch of {len(questions)} changes is lost: {error}") from error
        return tuple(case.judgement() for case in cases)

    async def _cases(self, questions: Sequence[Question]) -> Sequence[Case]:
        """The questions with their grants and verdicts, asked again if a table is not what it was thought to be."""
        relations = {question.change.relation.oid: question.change.relation for question in questions}
        stale = [oid for oid, relation in relations.items() if not self._knows(relation)]
        while True:
            await self._learn({oid: relations[oid] for oid in stale})
            cases = [
                Case(
                    each,
                    self._tables[each.change.relation.oid].table,
                    self._quirks,
                    max_record_bytes=self._max_record_bytes,
                )
                for each in questions
            ]
            answers = await self._compare(cases)
            for case in cases:
                case.sift(answers)
            again, stale = await self._ask(cases)
            if not again:
                break
        if self._quirks.schema_drift_loses_batch:
            for case in cases:
                _refuse_drift(case)
        return cases

    def _knows(self, relation: Relation) -> bool:
        """Whether the WAL has not described a relation anew, as it does when something was altered."""
        known = self._tables.get(relation.oid)
        return known is not None and known.relation is relation

    async def _learn(self, relations: Mapping[int, Relation]) -> None:
        if not relations:
            return
        columns: defaultdict[int, list[TableColumn]] = defaultdict(list)
        names: dict[int, tuple[str, str]] = {}
        for found in await self._judging.fetch(self._queries["columns"], list(relations)):
            columns[found["relation"]].append(_table_column(found))
            names[found["relation"]] = (found["schema"], found["table"])
        for oid, relation in relations.items():
            schema, name = names.get(oid, ("", ""))
            table = Table(columns=tuple(columns[oid]), schema=schema, name=name)
            self._tables[oid] = self._known(oid, relation, table)

    def _known(self, oid: int, relation: Relation, table: Table) -> _Known:
        """What was known if all is as before: every poll describes its tables anew, altered or not.

        Its columns then stay the same objects, and its stamp the same, so that nothing that was made for them is made
        again.
        """
        known = self._tables.get(oid)
        if known is not None and known.relation == relation and astuple(known.table) == astuple(table):
            return replace(known, relation=relation)
        return _Known(relation=relation, table=table, stamp=next(self._stamps))

    async def _compare(self, cases: Iterable[Case]) -> Answers:
        asked = list({comparison for case in cases for comparison in case.comparisons()})
        if not asked:
            return {}
        types, ops, values, literals, negated = zip(*asked, strict=True)
        tolerant = not self._quirks.poisonous_filters
        found = await self._judging.fetch(self._queries["compare"], types, ops, values, literals, negated, tolerant)
        return {comparison: answer["met"] for comparison, answer in zip(asked, found, strict=True)}

    async def _ask(self, cases: Sequence[Case]) -> tuple[bool, list[int]]:
        """Grants of every role and verdicts of every group of equal claims, in one round trip.

        Tables that had no row security when last looked at are asked for grants alone; if one has it now, or if
        tables have changed (they are returned), the batch is to be asked about once more.
        """
        tables = list({(case.oid, role) for case in cases for role in case.by_role})
        checks = self._checks(cases)
        found = await self._judging.fetch(
            self._queries["judge"],
            json.dumps([{"relation": oid, "role": role} for oid, role in tables]),
            json.dumps([check.asked for check in checks]),
            not self._quirks.raising_policy_loses_batch,
        )
        judged = json.loads(found[0]["judged"])
        granted = dict(zip(tables, judged["grants"], strict=True))
        altered = sorted({oid for (oid, _), each in granted.items() if not self._tables[oid].is_as(each)})
        grants = {table: _grant(each) for table, each in granted.items()}
        again = self._note_security(grants) or bool(altered)
        if not again:
            self._forgotten.update(judged["forgotten"])
            for case in cases:
                case.grants = {role: grants[case.oid, role] for role in case.by_role}
                case.forget(self._forgotten)
            for check, verdicts in zip(checks, judged["verdicts"], strict=True):
                check.answer(verdicts)
        return again, altered

    def _note_security(self, grants: Mapping[tuple[int, str], Grant]) -> bool:
        """Remember which tables have row security; whether one has it of which that was not known."""
        secured = {oid for (oid, _), grant in grants.items() if grant.secured}
        surprised = not secured.isdisjoint(self._unsecured)
        self._unsecured = (self._unsecured | {oid for oid, _ in grants}) - secured
        return surprised

    def _checks(self, cases: Sequence[Case]) -> Sequence["_Check"]:
        """All rows that must be checked for one group of claims together, groups of one role side by side."""
        checks: dict[tuple[str, int, str, str], _Check] = {}
        for case in cases:
            if case.oid in self._unsecured:
                continue
            how, given = case.asked()
            for role, claims in case.groups():
                key = (role, case.oid, how, claims)
                if key not in checks:
                    asked = {
                        "relation": case.oid,
                        "stamp": self._tables[case.oid].stamp,
                        "role": role,
                        "how": how,
                        "claims": claims,
                        "given": [],
                    }
                    checks[key] = _Check(asked=asked, group=(role, claims), cases=[])
                checks[key].asked["given"].append(given)
                checks[key].cases.append(case)
        return [checks[key] for key in sorted(checks)]

    async def _print(self, cases: Sequence[Case]) -> None:
        """Let PostgreSQL print every distinct (row, columns); rows that look alike share a statement."""
        wanted: defaultdict[str, dict[tuple[int, Shape], list[str | None]]] = defaultdict(dict)
        for number, case in enumerate(cases):
            for needed in case.shapes().values():
                wanted[statement(needed, self._quirks)][number, needed] = case.texts(needed)
        for query, rows in wanted.items():
            found = await self._judging.fetch(query, json.dumps(list(rows.values()), ensure_ascii=False))
            for (number, needed), (record, old) in zip(rows, found, strict=True):
                cases[number].printed[needed] = (record, old)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Check:
    """Rows of one table, to be checked for one group: `cases` are those of `asked["given"]`."""

    asked: dict[str, Any]
    group: Group
    cases: list[Case]

    def answer(self, verdicts: Sequence[bool] | None) -> None:
        """Give every case its verdict; there is none where row security is off."""
        for at, case in enumerate(self.cases):
            case.verdicts[self.group] = verdicts is not None and verdicts[at]


def _grant(found: Mapping[str, Any]) -> Grant:
    columns = zip(found["columns"] or (), found["granted"] or (), strict=True)
    return Grant(selectable=frozenset(name for name, may in columns if may), secured=bool(found["secured"]))


def _refuse_drift(case: Case) -> None:
    """A column that the WAL has and the table has no longer: the real server's check of its grant raises."""
    relation = case.question.change.relation
    gone = {column.name for column in relation.columns} - {column.name for column in case.table.columns}
    if case.subscriptions and gone:
        raise VisibilityError(f'column "{min(gone)}" of relation "{relation.table}" does not exist')


def _table_column(row: asyncpg.Record) -> TableColumn:
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
