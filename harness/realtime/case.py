"""One change on its way through an arm of `Visibility`: what is known of it so far, and what is still to be asked."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence, Set
from typing import NamedTuple

from harness.realtime.comparison import Comparison, Met, compared
from harness.realtime.filters import Filter
from harness.realtime.quirks import Quirks
from harness.realtime.subscription import Subscription
from harness.realtime.visibility import (
    Grant,
    Judgement,
    Output,
    Question,
    Row,
    Shape,
    Table,
    Texts,
    columns_json,
    refusal,
    row,
    shape,
    too_large,
)
from harness.replication.change import Action

Group = tuple[str, str]
"""Role and claims: whoever shares them shares the verdict."""

Kind = tuple[str, tuple[str, ...] | None]
"""Role and selected columns: whoever shares them gets the same content."""

Answers = Mapping[Comparison, Met]
"""What PostgreSQL said of the comparisons that it was asked."""

_TOO_LARGE = "Error 413: Payload Too Large"


class _Split(NamedTuple):
    """Who may see a change, by the content that they get of it, and from whom it is withheld."""

    seen: dict[Kind, list[Subscription]]
    withheld: list[Subscription]


class Case:
    """A question and the answers that an arm writes into it: `sift`, then `grants` and `verdicts`, then `printed`.

    A table that is gone, or has another name now, is not among those that the real server reads: nobody hears of
    its changes.
    """

    def __init__(self, question: Question, table: Table, quirks: Quirks, *, max_record_bytes: int) -> None:
        self.question = question
        self.table = table
        self.oid = question.change.relation.oid
        self.row: Row = row(question.change, table, quirks)
        named = (table.schema, table.name) == (question.change.relation.schema, question.change.relation.table)
        self.subscriptions = question.subscriptions if named else ()
        self.by_role: defaultdict[str, list[Subscription]] = defaultdict(list)
        self.met: list[Subscription] = []
        self.grants: Mapping[str, Grant] = {}
        self.verdicts: dict[Group, bool] = {}
        self.printed: dict[Shape, tuple[str, str]] = {}
        self._parted: _Split | None = None
        self._quirks = quirks
        self._change = question.change
        self._unchecked = self._change.action is Action.DELETE and quirks.delete_ignores_rls
        self._oversize = too_large(question.change, self.row, table, limit=max_record_bytes)
        self._columns = {column.name: column for column in table.columns}
        for each in self.subscriptions:
            self.by_role[each.claims.role].append(each)

    def comparisons(self) -> Iterable[Comparison]:
        """What only PostgreSQL can say of the filters."""
        for filters in {id(each.filters): each.filters for each in self.subscriptions}.values():
            yield from (met for met in map(self._compared, filters) if isinstance(met, Comparison))

    def sift(self, answers: Answers) -> None:
        """Find those whose filters the row meets; equal filters are looked at once."""
        met: dict[int, bool] = {}
        for each in self.subscriptions:
            known = id(each.filters)
            if known not in met:
                met[known] = self._meets(each.filters, answers)
        self.met = [each for each in self.subscriptions if met[id(each.filters)]]

    def forget(self, rows: Set[int]) -> None:
        """Leave out the subscriptions of these rows: somebody has deleted them."""
        if rows:
            self.subscriptions = tuple(each for each in self.subscriptions if each.row not in rows)
            self.met = [each for each in self.met if each.row not in rows]
            for role, everybody in self.by_role.items():
                self.by_role[role] = [each for each in everybody if each.row not in rows]

    def groups(self) -> Iterable[Group]:
        """The groups about which row security must be asked; none for a DELETE that ignores it."""
        return () if self._unchecked else sorted({_group(each) for each in self.met})

    def asked(self) -> tuple[str, Texts]:
        """What row security is asked about, and how: see `harness_judge` in `sql/schema.sql`."""
        new = self.row.record
        if new is None:
            return "bypass", {}
        if not self._quirks.rls_sees_current_row:
            return "version", new
        return "key", {name: new.get(name) for name in self.table.key}

    def shapes(self) -> Mapping[Kind, Shape]:
        """The shapes in which this row must be printed for those who may see it."""
        return {
            (role, select): shape(
                self._change,
                self.row,
                self.table,
                self.grants[role],
                select,
                oversize=self._oversize,
                keep_nulls=not self._quirks.oversize_drops_nulls,
            )
            for role, select in self._split().seen
        }

    def texts(self, printed: Shape) -> list[str | None]:
        """The values of a shape in the order that `rendering.statement` expects."""
        new, old = self.row.record or {}, self.row.old or {}
        return [new[each.name] for each in printed.record] + [old[each.name] for each in printed.old]

    def judgement(self) -> Judgement:
        """The answer, when everything is known."""
        shapes, split = self.shapes(), self._split()
        outputs = [*self._refusals(), *(self._output(shapes[kind], tuple(who)) for kind, who in split.seen.items())]
        return Judgement(outputs=tuple(outputs), withheld=tuple(split.withheld))

    def _compared(self, each: Filter) -> Met | Comparison:
        """A filter on a column that is absent (an unchanged TOAST value, no part of the identity) is not met."""
        tested, column = self.row.tested, self._columns.get(each.column)
        if column is None or each.column not in tested:
            return False
        return compared(
            each,
            tested[each.column],
            type_name=column.type_name,
            plain=column.plain,
            cast=column.cast(self._quirks),
        )

    def _meets(self, filters: Sequence[Filter], answers: Answers) -> bool:
        for each in filters:
            met = self._compared(each)
            if (answers[met] if isinstance(met, Comparison) else met) is not True:
                return False
        return True

    def _refusals(self) -> Iterable[Output]:
        """An error for everybody of a role, whatever their filters, in frames apart for different columns."""
        apart: defaultdict[tuple[str, tuple[str, ...] | None], list[Subscription]] = defaultdict(list)
        for role, everybody in self.by_role.items():
            error = self._error(role)
            for each in everybody if error is not None else ():
                apart[error or "", each.select].append(each)
        return [Output(subscriptions=tuple(who), error=error, timeless=True) for (error, _), who in apart.items()]

    def _split(self) -> "_Split":
        """Who of those whose filters are met, and whose role gets no error instead, may see it; worked out once."""
        if self._parted is None:
            sound = {role for role in self.by_role if self._error(role) is None}
            self._parted = _Split(seen=defaultdict(list), withheld=[])
            for each in self.met:
                claims = each.claims
                if claims.role not in sound:
                    continue
                if self._unchecked or not self.grants[claims.role].secured or self.verdicts[claims.role, claims.text]:
                    self._parted.seen[claims.role, each.select].append(each)
                else:
                    self._parted.withheld.append(each)
        return self._parted

    def _error(self, role: str) -> str | None:
        return refusal(self._change, self.table, self.grants[role])

    def _output(self, printed: Shape, subscriptions: tuple[Subscription, ...]) -> Output:
        record, old = self.printed[printed]
        return Output(
            subscriptions=subscriptions,
            columns=columns_json(printed.columns),
            record=record,
            old_record=old,
            error=_TOO_LARGE if self._oversize else None,
        )


def _group(subscription: Subscription) -> Group:
    return subscription.claims.role, subscription.claims.text
