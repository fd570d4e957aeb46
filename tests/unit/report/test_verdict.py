import json

from harness.checkers import Accounting, Order, Verdict, judge
from harness.checkers.trials import TRIALS
from harness.history.accounting import account
from harness.report.verdict import verdict_document
from tests.histories.literal import a_history, applied, committed, emitted, inserted, started, subscribed

SETTINGS = {"pace": 10.0, "time_factor": 5.0, "app": "as-specified", "debounce": "off"}
HEADER = {"scenario": "two", "seed": 3, "backend": "memory", **SETTINGS}


def test_the_document_is_that_of_the_contract() -> None:
    history = a_history(
        started(at=0.0),
        subscribed("reader"),
        emitted(1),
        inserted(1),
        committed(1),
        emitted(2),
        committed(2),
        applied("reader", sequence=2),
    )
    verdicts = {**judge({"accounting": Accounting(), "order": Order()}, history), "story": Verdict.unknown("it ended")}

    document = verdict_document(HEADER, verdicts, account(history))

    bins = dict.fromkeys(document["accounting"], 0)
    assert document == {
        "valid": "invalid",
        "scenario": "two",
        "seed": 3,
        "backend": "memory",
        **SETTINGS,
        "checkers": {
            "accounting": {
                "valid": "invalid",
                "looked_at": 2,
                "findings": [
                    {
                        "what": "lost_silent",
                        "ops": [2, 3, 4],
                        "reader": "reader",
                        "process_id": "p1",
                        "event_id": "e1",
                        "event_type": "step_update",
                        "sequence": 1,
                        "last_hop": "commit",
                        "next_hop": "apply",
                    }
                ],
                "trial": {"bug": TRIALS["accounting"].bug, "convicted": True, "acquitted": True},
            },
            "order": {
                "valid": "valid",
                "looked_at": 1,
                "findings": [],
                "trial": {"bug": TRIALS["order"].bug, "convicted": True, "acquitted": True},
            },
            "story": {"valid": "unknown", "looked_at": 0, "findings": [], "reason": "it ended"},
        },
        "accounting": {**bins, "lost_silent": 1, "delivered": 1},
        "extras": {"duplicate": 0, "phantom": 0, "forbidden": 0, "misrouted": 0},
        "balanced": True,
        "by_reader": {"reader": {**bins, "lost_silent": 1, "delivered": 1}},
        "by_type": {"step_update": {**bins, "lost_silent": 1, "delivered": 1}},
        "coverage": {"step_update": 2},
    }
    assert json.loads(json.dumps(document)) == document


def test_every_bin_of_the_contract_is_there_in_its_order() -> None:
    document = verdict_document(HEADER, {}, account(a_history()))

    assert list(document["accounting"]) == [
        "unpublished",
        "unpublished_silent",
        "coalesced",
        "superseded",
        "withheld",
        "lost_silent",
        "lost_announced",
        "truncated",
        "late",
        "reordered",
        "recovered",
        "delivered",
    ]
    assert document["valid"] == "unknown"
