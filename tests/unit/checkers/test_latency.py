from dataclasses import replace

import pytest

from harness.checkers import Finding, Latency, Valid, Verdict
from harness.history import Op, Value
from tests.histories.literal import (
    STRANGER,
    a_history,
    an_op,
    applied,
    committed,
    debounced,
    emitted,
    inserted,
    row,
    started,
    subscribed,
)

WATCHED = (started(at=0.0), subscribed("reader"))


def way(sequence: int, *, at: float, took: float) -> list[Op]:
    """Emitted and committed at once, applied so many seconds later."""
    return [
        emitted(sequence, at=at),
        inserted(sequence),
        committed(sequence),
        applied("reader", sequence=sequence, at=at + took),
    ]


def due(emit: Op, at: float) -> Op:
    return replace(emit, value=Value({**emit.value, "due": at}))


def gates(checker: Latency, *ops: Op) -> list[tuple[str, float]]:
    findings = checker.check(a_history(*WATCHED, *ops)).findings
    return [(finding.detail["percentile"], finding.detail["seconds"]) for finding in findings]


def test_a_percentile_above_its_gate_is_convicted_with_its_event() -> None:
    history = a_history(*WATCHED, *way(1, at=1.0, took=0.25), *way(2, at=2.0, took=3.0), *way(3, at=6.0, took=1.0))

    verdict = Latency(p50=0.5, p95=3.0).check(history)

    assert verdict == Verdict.invalid(
        Finding(
            "slow",
            (history[12], history[13]),
            {
                "percentile": "p50",
                "seconds": 1.0,
                "gate_s": 0.5,
                "samples": 3,
                "missing": 0,
                "hop_from": "commit",
                "hop_to": "apply",
                "event_type": None,
                "reader": "reader",
                "process_id": "p1",
                "event_id": "e3",
                "sequence": 3,
            },
        )
    )
    assert verdict.looked_at == 3


def test_each_gate_is_a_percentile_by_nearest_rank() -> None:
    ops = [op for number in range(100) for op in way(number, at=float(number), took=(number + 1) / 128)]

    assert gates(Latency(p50=0.0, p95=0.0, p99=0.0), *ops) == [
        ("p50", round(50 / 128, 6)),
        ("p95", round(95 / 128, 6)),
        ("p99", round(99 / 128, 6)),
    ]
    assert gates(Latency(p50=50 / 128, p95=95 / 128, p99=99 / 128), *ops) == []
    assert gates(Latency(p99=None), *ops) == []


def test_without_parameters_it_is_the_deadline_of_the_contract() -> None:
    assert gates(Latency(), *way(1, at=1.0, took=5.0)) == []
    assert gates(Latency(), *way(1, at=1.0, took=5.5)) == [("p99", 5.5)]


def test_the_commit_counts_from_when_it_happened_not_when_it_was_read() -> None:
    seen = replace(committed(1, at=4.0), value=Value({**row(1), "lsn": "0/1", "at": 1.0}))

    assert gates(Latency(p99=2.0), emitted(1, at=1.0), seen, applied("reader", sequence=1, at=4.5)) == [("p99", 3.5)]


def test_what_a_load_generator_says_counts_from_when_it_was_due() -> None:
    late = due(emitted(1, at=9.0), 2.0)
    history = a_history(*WATCHED, late, inserted(1), committed(1), applied("reader", sequence=1, at=9.5))

    (finding,) = Latency().check(history).findings

    assert (finding.detail["seconds"], finding.detail["hop_from"], finding.ops[0].f) == (7.5, "due", "emit")


def test_a_merged_event_has_arrived_with_its_carrier() -> None:
    ops = [
        due(emitted(1, event_type="section_chunk", delivery_class="append", at=1.0), 1.0),
        due(emitted(2, event_type="section_chunk", delivery_class="append", at=2.0), 2.0),
        debounced(1, "merged", into=2),
        debounced(2, "published", into=2),
        inserted(2),
        committed(2),
        applied("reader", sequence=2, at=4.0),
    ]

    verdict = Latency(p50=2.0, p99=2.5).check(a_history(*WATCHED, *ops))

    assert [(finding.detail["percentile"], finding.detail["seconds"]) for finding in verdict.findings] == [("p99", 3.0)]
    assert verdict.looked_at == 2


def test_a_merged_event_of_which_nobody_knows_when_it_was_due_is_no_sample() -> None:
    chunk = emitted(1, event_type="section_chunk", delivery_class="append", at=1.0)
    ops = [chunk, debounced(1, "merged", into=2), *way(2, at=2.0, took=9.0)]

    (finding,) = Latency().check(a_history(*WATCHED, *ops)).findings

    assert (finding.detail["samples"], finding.detail["missing"]) == (1, 0)


def test_a_replaced_event_never_arrives_and_is_not_missed() -> None:
    replaced = due(emitted(1, event_type="heartbeat", delivery_class="latest", at=1.0), 1.0)
    ops = [replaced, debounced(1, "replaced", into=2), *way(2, at=2.0, took=9.0)]

    (finding,) = Latency().check(a_history(*WATCHED, *ops)).findings

    assert (finding.detail["samples"], finding.detail["missing"]) == (1, 0)


def test_who_left_misses_nothing() -> None:
    left = [subscribed("left", at=0.5), an_op("left", "leave", at=1.0, process_id="p1")]

    (finding,) = Latency().check(a_history(*WATCHED, *left, *way(1, at=1.0, took=9.0))).findings

    assert (finding.detail["samples"], finding.detail["missing"]) == (1, 0)


def test_time_before_the_reader_was_online_does_not_count() -> None:
    late = [
        subscribed("late", at=9.0),
        an_op("late", "ready", at=10.0, topic="t"),
        applied("late", sequence=1, at=10.5),
    ]
    ops = [emitted(1, at=1.0), inserted(1), committed(1), applied("reader", sequence=1, at=1.25), *late]

    assert gates(Latency(p50=0.25, p99=0.5), *ops) == []
    assert gates(Latency(p50=0.25, p99=0.25), *ops) == [("p99", 0.5)]


def test_what_a_reader_fetched_while_it_was_offline_is_no_sample() -> None:
    close = an_op("reader", "close", at=0.5, by="server")
    history = a_history(*WATCHED, close, *way(1, at=1.0, took=9.0))

    assert Latency().check(history).valid is Valid.UNKNOWN


def test_what_never_came_is_left_out_and_told() -> None:
    lost = [emitted(2, at=2.0), inserted(2), committed(2)]
    unpublished = [due(emitted(3, at=3.0), 3.0)]
    history = a_history(*WATCHED, *way(1, at=1.0, took=9.0), *lost, *unpublished)

    verdict = Latency().check(history)

    assert [finding.detail["missing"] for finding in verdict.findings] == [1]
    assert verdict.looked_at == 1


def test_strangers_are_owed_nothing() -> None:
    spy = [subscribed("spy", user=STRANGER), applied("spy", sequence=1, at=30.0)]

    assert gates(Latency(), *way(1, at=1.0, took=1.0), *spy) == []


def test_one_type_may_be_judged_for_itself() -> None:
    slow = [
        emitted(2, event_type="section_chunk", at=2.0),
        inserted(2),
        committed(2),
        applied("reader", sequence=2, at=9.0),
    ]
    ops = [*way(1, at=1.0, took=1.0), *slow]

    assert gates(Latency(event_type="step_update"), *ops) == []
    assert gates(Latency(event_type="section_chunk"), *ops) == [("p99", 7.0)]


@pytest.mark.parametrize(
    ("hop_from", "hop_to", "expected"),
    [("insert", "receive", 2.0), ("emit", "receive", 3.0), ("commit", "receive", 1.0), ("emit", "commit", 2.0)],
)
def test_other_hops_can_be_gated(hop_from: str, hop_to: str, expected: float) -> None:
    asked = replace(inserted(1, at=2.0), type="invoke")
    ops = [emitted(1, at=1.0), asked, inserted(1, at=2.5), committed(1, at=3.0)]
    history = [*ops, an_op("reader", "receive", at=4.0, **row(1)), applied("reader", sequence=1, at=60.0)]

    assert gates(Latency(hop_from=hop_from, hop_to=hop_to, p99=0.5), *history) == [("p99", expected)]


def test_an_empty_history_is_unknown() -> None:
    assert Latency().check(a_history()).valid is Valid.UNKNOWN
    assert Latency().check(a_history(*WATCHED, emitted(1, at=1.0))).valid is Valid.UNKNOWN
