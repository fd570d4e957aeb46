"""A batch of changes on its way to the sockets: who may see what is asked, counted and posted.

The middle of the worker, between the source and `post`. It records the hops `decode` and `authorise`, and what the
limit on changes has dropped.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from harness.clock import Clock
from harness.history.recorder import Recorder
from harness.realtime.limits import EventLimit
from harness.realtime.outlet import Outlet, RowKeys
from harness.realtime.post import ACTOR as ACTOR
from harness.realtime.post import Post
from harness.realtime.registry import Registry
from harness.realtime.subscription import Subscription
from harness.realtime.visibility import Judgement, Question, Visibility
from harness.replication.change import Change, Trace, row_of
from harness.replication.source import Batch


class Delivering:
    """Delivers batches to the channels of a registry. `limit` may be replaced at any time.

    With `linger` the rows of channels that are gone are still asked about and counted.
    """

    def __init__(
        self,
        *,
        visibility: Visibility,
        registry: Registry[Outlet],
        clock: Clock,
        recorder: Recorder,
        trace: Trace | None,
        linger: bool,
    ) -> None:
        self.limit: EventLimit | None = None
        self._visibility = visibility
        self._registry = registry
        self._clock = clock
        self._recorder = recorder
        self._trace = trace
        self._linger = linger

    async def deliver(self, batch: Batch, *, not_before: float = 0.0) -> bool:
        """Send a batch to whom it may concern; whether any row of the table of subscriptions was concerned.

        Nothing is sent before a time of the clock. Raises `VisibilityError`: the batch is lost.
        """
        traced = [(change, self._row(change)) for change in batch.changes]
        for change, row in traced:
            self._record("decode", row, {"lsn": str(change.lsn)})
        asked = [(self._question(change), row) for change, row in traced]
        questions = [question for question, _ in asked if question.subscriptions]
        answers = await self._visibility.judge(questions) if questions else ()
        seen = sum(len(output.subscriptions) for answer in answers for output in answer.outputs)
        if seen and not self._allowed(seen, changes=len(questions)):
            return True
        if (early := not_before - self._clock.now()) > 0:
            await self._clock.sleep(early)
        rest = iter(answers)
        post = Post(self._registry, self._recorder)
        for question, row in asked:
            if question.subscriptions:
                self._send(question.change, next(rest), row, post)
            else:
                self._record("authorise", row, {"to": [], "withheld": []})
        post.go()
        return bool(seen)

    def _question(self, change: Change) -> Question:
        interested = self._registry.interested(change.relation.oid, change.action)
        subscriptions = interested if self._linger else self._registry.standing(interested)
        return Question(change=change, subscriptions=subscriptions)

    def _allowed(self, seen: int, *, changes: int) -> bool:
        """Whether the limit on changes lets a batch through; if not, it is dropped and only the history knows."""
        limit = self.limit
        if limit is None or limit.events(self._clock.now(), seen):
            return True
        self._recorder.record(ACTOR, "limit", limit.bite().told({"changes": changes, "deliveries": seen}), type="info")
        return False

    def _send(self, change: Change, judgement: Judgement, row: RowKeys | None, post: Post) -> None:
        standing = [(each, self._registry.standing(each.subscriptions)) for each in judgement.outputs]
        if row is not None:
            seen = [subscription for _, subscriptions in standing for subscription in subscriptions]
            withheld = self._registry.standing(judgement.withheld)
            self._record("authorise", row, {"to": _links(seen), "withheld": _links(withheld)})
        for output, subscriptions in standing:
            if subscriptions:
                post.add(change, output, subscriptions, row)

    def _row(self, change: Change) -> RowKeys | None:
        """What the history says of a change; None as well while nobody listens, which saves an op for each hop."""
        if self._trace is None or not self._recorder.listens:
            return None
        table, action = change.relation.table, str(change.action)
        row = self._trace(table, action, row_of(change))
        return None if row is None else {"table": table, "action": action, **row}

    def _record(self, hop: str, row: RowKeys | None, more: Mapping[str, Any]) -> None:
        if row is not None:
            self._recorder.record(ACTOR, hop, {**row, **more})


def _links(subscriptions: Sequence[Subscription]) -> list[str]:
    return sorted({each.subscriber.link for each in subscriptions})
