"""One change on its way through an arm of `Visibility`: what is known of it so far, and what is still to be asked."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import Any

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
)
from harness.replication.change import Action

Group = tuple[str, str]
"""Role and claims: whoever shares them shares the verdict."""

Kind = tuple[str, tuple[str, ...] | None]
"""Role and selected columns: whoever shares them gets the same content."""


class Case:
    """A question and the answers that an arm writes into it: `met`, then `grants` and `verdicts`, then `printed`.

    `met` are the subscriptions whose filters the row meets. A table that is gone has no columns, and nobody
    hears of its changes.
    """

    def __init__(self, question: Question, table: Table, quirks: Quirks) -> None:
        self.question = question
        self.table = table
        self.oid = question.change.relation.oid
        self.row: Row = row(question.change, table, quirks)
        self.subscriptions = question.subscriptions if table.columns else ()
        self.by_role: defaultdict[str, list[Subscription]] = defaultdict(list)
        self.met: list[Subscription] = []
        self.grants: Mapping[str, Grant] = {}
        self.verdicts: dict[Group, bool] = {}
        self.printed: dict[Shape, tuple[str, str]] = {}
        self._quirks = quirks
        self._change = question.change
        self._unchecked = self._change.action is Action.DELETE and quirks.delete_ignores_rls
        for each in self.subscriptions:
            self.by_role[each.claims.role].append(each)

    def groups(self) -> Iterable[Group]:
        """The groups about which row security must be asked; none for a DELETE that ignores it."""
        return () if self._unchecked else sorted({_group(each) for each in self.met})

    def check(self, group: Group) -> dict[str, Any]:
        """What is asked about a group: see `harness_judge` in `sql/schema.sql`."""
        how, given = self._asked()
        return {"relation": self.oid, "role": group[0], "claims": group[1], "how": how, "given": given}

    def shapes(self) -> Mapping[Kind, Shape]:
        """The shapes in which this row must be printed for those who may see it."""
        return {
            (role, select): shape(self._change, self.row, self.table, self.grants[role], select)
            for role, select in self._seen()
        }

    def texts(self, printed: Shape) -> list[str | None]:
        """The values of a shape in the order that `rendering.statement` expects."""
        new, old = self.row.record or {}, self.row.old or {}
        return [new[each.name] for each in printed.record or ()] + [old[each.name] for each in printed.old or ()]

    def judgement(self) -> Judgement:
        """The answer, when everything is known."""
        shapes = self.shapes()
        outputs = [
            Output(subscriptions=tuple(everybody), error=error)
            for role, everybody in self.by_role.items()
            if (error := self._error(role)) is not None
        ] + [self._output(shapes[kind], tuple(who)) for kind, who in self._seen().items()]
        withheld = tuple(each for each in self._heard() if not self._visible(each))
        return Judgement(outputs=tuple(outputs), withheld=withheld)

    def _asked(self) -> tuple[str, Texts]:
        new = self.row.record
        if new is None:
            return "bypass", {}
        if not self._quirks.rls_sees_current_row:
            return "version", new
        return "key", {name: new.get(name) for name in self.table.key}

    def _seen(self) -> Mapping[Kind, list[Subscription]]:
        seen: defaultdict[Kind, list[Subscription]] = defaultdict(list)
        for each in self._heard():
            if self._visible(each):
                seen[each.claims.role, each.select].append(each)
        return seen

    def _heard(self) -> list[Subscription]:
        """Those whose filters are met and whose role gets no error instead."""
        sound = {role for role in self.by_role if self._error(role) is None}
        return [each for each in self.met if each.claims.role in sound]

    def _visible(self, subscription: Subscription) -> bool:
        role = subscription.claims.role
        return self._unchecked or not self.grants[role].secured or self.verdicts[_group(subscription)]

    def _error(self, role: str) -> str | None:
        return refusal(self._change, self.table, self.grants[role])

    def _output(self, printed: Shape, subscriptions: tuple[Subscription, ...]) -> Output:
        record, old = self.printed[printed]
        return Output(
            subscriptions=subscriptions,
            columns=columns_json(printed.columns),
            record=record if printed.record is not None else None,
            old_record=old if printed.old is not None else None,
        )


def _group(subscription: Subscription) -> Group:
    return subscription.claims.role, subscription.claims.text
