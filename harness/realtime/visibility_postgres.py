"""Who may see a change, asked of PostgreSQL: its grants, its row security, its casts, its printing.

Between replication and dispatch. A batch costs two round trips, whatever the number of sockets: one for grants and
policies, one to print the rows; a third for filters on types whose text is not canonical.
"""

import json
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Final

import asyncpg

from harness.errors import VisibilityError
from harness.realtime.auth import Claims
from harness.realtime.case import Case
from harness.realtime.quirks import Quirks
from harness.realtime.rendering import statement
from harness.realtime.session_postgres import Session, read_queries
from harness.realtime.subscribing_postgres import Subscribing, table_column
from harness.realtime.subscription import Binding, Refused, Subscriber, Subscription, Wanted
from harness.realtime.visibility import (
    Comparison,
    Grant,
    Judgement,
    Question,
    Shape,
    Table,
    TableColumn,
    comparisons,
    meets,
)
from harness.replication.change import Relation

_UNKNOWN: Final = (None, None)


class PostgresVisibility:
    """The arm of `Visibility` that asks a database. Call `open` first and `close` last.

    `dsn` must be a superuser's: the functions of `sql/schema.sql` are installed, and roles are assumed.
    """

    def __init__(self, dsn: str, *, publication: str = "supabase_realtime", quirks: Quirks | None = None) -> None:
        self._quirks = quirks if quirks is not None else Quirks()
        self._queries = read_queries()
        self._judging = Session(dsn)
        self._making = Session(dsn)
        self._subscribing = Subscribing(self._making, self._queries, publication=publication, quirks=self._quirks)
        self._tables: dict[int, tuple[Relation, Table]] = {}
        self._unsecured: frozenset[int] = frozenset()

    async def open(self) -> None:
        """Install what is needed in the database; raises `VisibilityError`."""
        try:
            await self._judging.install()
        except (asyncpg.PostgresError, asyncpg.InterfaceError, OSError) as error:
            raise VisibilityError(f"the schema realtime cannot be prepared: {error}") from error

    async def close(self) -> None:
        """End both sessions. Safe to call twice."""
        await self._judging.close()
        await self._making.close()

    async def subscribe(
        self, subscriber: Subscriber, wanted: Sequence[tuple[Binding, Wanted]], claims: Claims
    ) -> tuple[Subscription, ...] | Refused:
        """See `Visibility.subscribe`."""
        return await self._subscribing.subscribe(subscriber, wanted, claims)

    async def judge(self, questions: Sequence[Question]) -> tuple[Judgement, ...]:
        """See `Visibility.judge`."""
        try:
            return await self._judge(questions)
        except (asyncpg.PostgresError, asyncpg.InterfaceError, OSError) as error:
            raise VisibilityError(f"a batch of {len(questions)} changes is lost: {error}") from error

    async def _judge(self, questions: Sequence[Question]) -> tuple[Judgement, ...]:
        tables = await self._known({question.change.relation.oid: question.change.relation for question in questions})
        cases = [Case(question, tables[question.change.relation.oid], self._quirks) for question in questions]
        equal = await self._compare(cases)
        for case in cases:
            case.met = [each for each in case.subscriptions if meets(each, case.row.tested, equal)]
        await self._ask(cases)
        await self._print(cases)
        return tuple(case.judgement() for case in cases)

    async def _known(self, relations: Mapping[int, Relation]) -> Mapping[int, Table]:
        """The tables of a batch, read again when the WAL described a relation anew: something was altered."""
        news = [oid for oid, relation in relations.items() if self._tables.get(oid, _UNKNOWN)[0] is not relation]
        if news:
            columns: defaultdict[int, list[TableColumn]] = defaultdict(list)
            for found in await self._judging.fetch(self._queries["columns"], news):
                columns[int(found["relation"])].append(table_column(found))
            self._tables.update({oid: (relations[oid], Table(columns=tuple(columns[oid]))) for oid in news})
        return {oid: self._tables[oid][1] for oid in relations}

    async def _compare(self, cases: Iterable[Case]) -> Mapping[Comparison, bool | None]:
        asked = list(
            {
                comparison
                for case in cases
                for each in case.subscriptions
                for comparison in comparisons(each, case.row.tested)
            }
        )
        if not asked:
            return {}
        types, values, literals = zip(*asked, strict=True)
        found = await self._judging.fetch(self._queries["equal"], types, values, literals)
        return {comparison: answer["equal"] for comparison, answer in zip(asked, found, strict=True)}

    async def _ask(self, cases: Sequence[Case]) -> None:
        """Grants of every role and verdicts of every group of equal claims, in one round trip.

        Tables that had no row security when last looked at are asked for grants alone; if one has it now, the
        batch is asked about once more.
        """
        tables = list({(case.oid, role) for case in cases for role in case.by_role})
        checks = [(case, group) for case in cases if case.oid not in self._unsecured for group in case.groups()]
        answer = await self._judging.fetch(
            self._queries["judge"],
            json.dumps([{"relation": oid, "role": role} for oid, role in tables]),
            json.dumps([case.check(group) for case, group in checks]),
        )
        judged = json.loads(answer[0]["judged"])
        grants = {
            table: Grant(selectable=frozenset(found["selectable"]), secured=found["secured"])
            for table, found in zip(tables, judged["grants"], strict=True)
        }
        secured = {oid for (oid, _), grant in grants.items() if grant.secured}
        again = not secured.isdisjoint(self._unsecured)
        self._unsecured = (self._unsecured | {oid for oid, _ in tables}) - secured
        if again:
            await self._ask(cases)
            return
        for case in cases:
            case.grants = {role: grants[case.oid, role] for role in case.by_role}
        for (case, group), verdict in zip(checks, judged["verdicts"], strict=True):
            case.verdicts[group] = verdict

    async def _print(self, cases: Sequence[Case]) -> None:
        """Let PostgreSQL print every distinct (row, columns); rows that look alike share a statement."""
        wanted: defaultdict[str, dict[tuple[int, Shape], list[str | None]]] = defaultdict(dict)
        for number, case in enumerate(cases):
            for needed in case.shapes().values():
                query = statement(needed.record or (), needed.old or (), self._quirks)
                wanted[query][number, needed] = case.texts(needed)
        for query, rows in wanted.items():
            found = await self._judging.fetch(query, json.dumps(list(rows.values()), ensure_ascii=False))
            for (number, needed), (record, old) in zip(rows, found, strict=True):
                cases[number].printed[needed] = (record, old)
