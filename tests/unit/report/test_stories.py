from collections.abc import Sequence

from harness.checkers import Accounting, Duplicates, judge
from harness.checkers.checker import Finding
from harness.history import History, Op
from harness.report.circumstances import Circumstances
from harness.report.stories import Story, stories
from tests.histories.clean import clean_run
from tests.histories.literal import a_history, an_op, applied, committed, emitted, settled, started, subscribed
from tests.mutants.test_mutants import recovery_skips_the_gap


def of(findings: Sequence[Finding], history: History | None = None) -> list[tuple[str, list[int | None]]]:
    """What each story is of, and the events that it tells of."""
    told = stories(findings, Circumstances.of(history or History()))
    return [(story.what, [finding.detail.get("sequence") for finding in story.findings]) for story in told]


def lost(reader: str, sequence: int, *, at: float = 1.0, hop: str = "send") -> Finding:
    detail = {
        "reader": reader, "process_id": "p1", "event_id": f"e{sequence}", "event_type": "section_chunk",
        "sequence": sequence, "last_hop": hop, "next_hop": "receive",
    }  # fmt: skip
    return Finding("lost_silent", (committed(sequence, at=at),), detail)


def test_one_kind_at_one_place_is_one_story() -> None:
    assert of([lost("r", number) for number in range(4)]) == [("lost_silent", [0, 1, 2, 3])]


def test_two_are_told_one_by_one() -> None:
    assert of([lost("r", 1), lost("r", 2)]) == [("lost_silent", [1]), ("lost_silent", [2])]


def test_another_kind_or_another_place_is_another_story() -> None:
    here, there = (
        [lost("r", number) for number in range(3)],
        [lost("r", number, hop="decode") for number in range(3, 6)],
    )
    odd = [Finding("odd", detail={"sequence": number}) for number in range(3)]

    assert of([*here, *there, *odd]) == [("lost_silent", [0, 1, 2]), ("lost_silent", [3, 4, 5]), ("odd", [0, 1, 2])]


def test_what_happened_under_a_fault_is_another_story_than_what_happened_without() -> None:
    begun = an_op("nemesis", "fault", at=5.0, type="invoke", fault="slot_lost")
    history = a_history(begun, settled(at=20.0))
    found = [lost("r", number, at=float(number)) for number in range(2, 8)]

    assert of(found, history) == [("lost_silent", [2, 3, 4]), ("lost_silent", [5, 6, 7])]


def test_an_outage_that_outlasts_its_fault_is_one_story() -> None:
    begun = an_op("nemesis", "fault", at=1.0, type="invoke", fault="offline", link="r")
    ended = an_op("nemesis", "fault", at=4.0, fault="offline", link="r")
    closed, ready = an_op("r", "close", at=1.0, by="server"), an_op("r", "ready", at=9.0)
    found = [lost("r", number, at=float(number)) for number in range(2, 8)]

    assert of(found, a_history(begun, closed, ended, ready)) == [("lost_silent", [2, 3, 4, 5, 6, 7])]


def test_readers_that_lost_the_same_events_share_a_story() -> None:
    same = [lost(reader, number) for reader in ("r", "s") for number in range(3)]
    more = [lost("t", number) for number in range(4)]

    assert of([*same, *more]) == [("lost_silent", [0, 1, 2, 0, 1, 2]), ("lost_silent", [0, 1, 2, 3])]


def test_every_finding_is_in_one_story() -> None:
    history = recovery_skips_the_gap(clean_run())
    findings = judge({"accounting": Accounting()}, history)["accounting"].findings

    told = stories(findings, Circumstances.of(history))

    assert sorted(id(finding) for story in told for finding in story.findings) == sorted(map(id, findings))


def story(history: History, checker: Accounting | Duplicates) -> Story:
    (told,) = stories(checker.check(history).findings, Circumstances.of(history))
    return told


def run(*ops: Op) -> History:
    return a_history(started(at=0.0), subscribed("reader"), *ops, settled(at=50.0))


def test_a_loss_tells_how_many_which_when_where_under_what_and_what_was_believed() -> None:
    live = an_op("reader", "status", at=0.5, process_id="p1", status="live")
    fault = an_op("nemesis", "fault", at=0.6, type="invoke", fault="black_hole", link="reader")
    events = [op for number in (1, 2, 3, 5) for op in (emitted(number, at=float(number)), committed(number))]
    reached = [emitted(6, at=6.0), committed(6), applied("reader", sequence=6)]

    assert story(run(live, fault, *events, *reached), Accounting()).text == (
        "reader never applied 4 events of article, 1 to 3 and 5 (4 step_update), committed from 1.000 to 5.000 s. They "
        "were last seen at commit and never at apply (the reader's state has it): lost between the two. At that time: "
        'the fault black_hole held on reader from 0.60 to 50.00 s. The client said "live", and was told of nothing.'
    )


def test_events_that_came_again_are_told_with_their_range() -> None:
    events = [op for number in (1, 2, 3) for op in (emitted(number, at=float(number)), committed(number))]
    twice = [applied("reader", sequence=number, at=at) for at in (4.0, 5.0) for number in (1, 2, 3)]

    assert story(run(*events, *twice), Duplicates()).text == (
        "reader applied 3 events of article, 1 to 3 (3 step_update) more than once, at 5.000 s."
    )


def test_a_token_in_a_finding_is_hidden() -> None:
    token = "eyJhbGciOiJIUzI1NiJ9.eyJyb2xlIjoiYW5vbiJ9.c2lnbmF0dXJl"

    (told,) = stories([Finding("odd", detail={"error": token})], Circumstances.of(History()))

    assert told.text == "odd (error: [token])."
