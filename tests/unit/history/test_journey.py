from harness.history.hops import APPLY, COMMIT, DECODE, HOPS, RECEIVE, SEND
from harness.history.journey import journeys, next_hop
from tests.histories.clean import clean_run
from tests.histories.literal import a_history, an_op, applied, committed, emitted, inserted, row


def test_a_journey_collects_the_ops_of_an_event() -> None:
    history = a_history(emitted(1), inserted(1, type="invoke"), inserted(1), committed(1), applied("r", sequence=1))

    journey = journeys(history)["e1"]

    assert (journey.emit, journey.asked, journey.insert, journey.commit) == history[0:4]
    assert journey.applied == {"r": [history[4]]}


def test_the_last_op_on_the_way_to_a_reader_is_its_own() -> None:
    history = a_history(
        emitted(1), committed(1), an_op("realtime", "send", link="a", **row(1)), an_op("b", "receive", **row(1))
    )

    journey = journeys(history)["e1"]

    assert [journey.last_seen(reader) for reader in ("a", "b", "c")] == [history[2], history[3], history[1]]


def test_the_next_hop_is_one_that_was_observed() -> None:
    assert next_hop(COMMIT, frozenset({COMMIT, RECEIVE, APPLY})) == RECEIVE
    assert next_hop(APPLY, frozenset(HOPS)) is None


def test_every_hop_of_a_clean_run_is_found() -> None:
    history = clean_run(sections=1, chunks=2)

    journey = list(journeys(history).values())[-1]

    assert all(journey.stop(hop, "reader-1") for hop in HOPS)
    assert [journey.stop(hop, "nobody") is None for hop in (DECODE, SEND)] == [False, True]
