"""When a transaction of the WAL is over for every session that asks now."""

from collections import deque
from datetime import UTC, datetime

import pytest

from harness.replication.change import Action, Change, Relation
from harness.replication.lsn import Lsn
from harness.replication.source import Batch
from harness.replication.source_visible import VisibleSource, visible
from tests.instant import InstantClock, run

EPOCH = 1 << 32


@pytest.mark.parametrize(
    ("xids", "snapshot", "expected"),
    [
        ({7}, "10:12:", True),
        ({10}, "10:12:10", False),
        ({11}, "10:12:10", True),
        ({11, 10}, "10:12:10", False),
        ({10}, "10:14:10,12", False),
        ({12}, "12:12:", False),
        ({13}, "12:12:", False),
        ({EPOCH - 1}, "2:2:", True),
        ({1}, f"{EPOCH - 1}:{EPOCH - 1}:", False),
        ({7}, f"{EPOCH + 10}:{EPOCH + 12}:", True),
        ({10}, f"{EPOCH + 10}:{EPOCH + 12}:{EPOCH + 10}", False),
        ({EPOCH - 1}, f"{EPOCH - 1}:{EPOCH + 2}:{EPOCH - 1}", False),
        ({EPOCH - 1}, f"{EPOCH}:{EPOCH + 2}:", True),
    ],
)
def test_a_transaction_is_visible_when_it_is_neither_to_come_nor_running(
    xids: set[int], snapshot: str, expected: bool
) -> None:
    assert visible(xids, snapshot) is expected


class Scripted:
    """A source that gives one batch, and the session that looks at snapshots."""

    def __init__(self, *snapshots: str) -> None:
        self.snapshots = deque(snapshots)
        self.asked = 0

    async def open(self) -> None: ...

    async def close(self) -> None: ...

    async def read(self) -> Batch:
        return Batch(changes=(a_change(10),), raw=3)

    async def fetchval(self, query: str) -> str:
        self.asked += 1
        return self.snapshots.popleft()


def a_change(xid: int) -> Change:
    return Change(
        lsn=Lsn(1),
        position=0,
        commit_timestamp=datetime(2026, 1, 1, tzinfo=UTC),
        relation=Relation(oid=1, schema="public", table="notes", columns=()),
        action=Action.INSERT,
        record={},
        xid=xid,
    )


def test_a_batch_waits_until_its_transaction_is_visible() -> None:
    scripted = Scripted("10:12:10", "10:12:10", "11:12:")
    source = VisibleSource(scripted, "", clock=InstantClock())
    source._connection = scripted  # type: ignore[assignment]

    batch = run(source.read())

    assert (batch, scripted.asked) == (Batch(changes=(a_change(10),), raw=3), 3)
