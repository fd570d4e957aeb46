from harness.checkers.checker import Finding
from harness.history import Op
from harness.report.circumstances import Circumstances, debounced, hop_words
from tests.histories.literal import a_history, an_op, emitted
from tests.histories.literal import debounced as debounce


def fault(at: float, name: str, *, ends: bool = False, link: str | None = None) -> Op:
    where = {} if link is None else {"link": link}
    return an_op("nemesis", "fault", at=at, type="ok" if ends else "invoke", fault=name, **where)


def circumstances(*ops: Op) -> Circumstances:
    return Circumstances.of(a_history(*ops, an_op("story", "settle", at=100.0)))


def test_only_faults_that_concern_a_reader_are_its_circumstances() -> None:
    found = circumstances(fault(1.0, "offline", link="s"), fault(2.0, "slot_lost"), fault(3.0, "delay", link="*"))

    assert found.around(("r", 5.0)) == (
        " At that time: the fault slot_lost held from 2.00 to 100.00 s; "
        "the fault delay held on all readers from 3.00 to 100.00 s."
    )


def test_what_held_at_several_moments_is_told_once() -> None:
    closed = [an_op(reader, "close", at=at, by="server") for reader, at in (("r", 1.0), ("s", 2.0))]
    ready = [an_op(reader, "ready", at=at) for reader, at in (("r", 8.0), ("s", 9.0))]
    found = circumstances(fault(1.0, "offline", link="*"), *closed, *ready, fault(9.5, "offline", ends=True, link="*"))

    assert found.around(("r", 3.0), ("r", 4.0), ("s", 5.0)) == (
        " At that time: the fault offline held on all readers from 1.00 to 9.50 s; "
        "r and s were offline from 1.00 to 9.00 s."
    )


def test_a_fault_that_is_over_is_told_for_a_while() -> None:
    found = circumstances(fault(1.0, "ready_delayed"), fault(2.0, "ready_delayed", ends=True))

    assert found.around(("r", 5.0)) == " Shortly before: the fault ready_delayed held from 1.00 to 2.00 s."
    assert [found.around(("r", time)) for time in (0.5, 12.5)] == ["", ""]


def test_what_a_client_said_is_told_for_then_and_for_the_end() -> None:
    said = [
        an_op("r", "status", at=at, process_id="p", status=status)
        for at, status in ((1.0, "catching_up"), (2.0, "live"), (8.0, "offline"))
    ]
    found = circumstances(*said)

    assert found.believed(("r", 1.5), process_id="p") == ' The client said "catching up" then and "offline" at the end.'
    assert found.believed(("r", 1.5), ("r", 3.0)) == ' The client said "catching up" and then "live".'
    assert found.believed(("r", 9.0), process_id="p", more=", and more") == ' The client said "offline", and more.'
    assert found.believed(("r", 0.5), process_id="p") == ""


def test_a_reader_that_had_joined_as_anon_is_told_with_its_sign_in() -> None:
    joins = [
        an_op("realtime", "join", at=at, link="r", topic="t", role=role)
        for at, role in ((1.0, "anon"), (6.0, "authenticated"))
    ]
    found = circumstances(*joins, an_op("r", "sign_in", at=5.0))

    assert found.rights("r", 2.0) == (
        " It had joined as anon at 1.000 s; the session of its user was loaded at 5.000 s."
    )
    assert [found.rights("r", 7.0), found.rights("s", 2.0)] == ["", ""]


def test_a_debouncer_is_blamed_with_the_classes_of_what_it_dropped() -> None:
    seen = [
        Finding("unpublished_silent", (emitted(1, delivery_class="append"), debounce(1, "replaced", into=3))),
        Finding("unpublished_silent", (emitted(2), debounce(2, "replaced", into=3))),
    ]

    assert debounced(seen, "them") == (
        " The debouncer published a later event in place of them, which no policy declares for the class "
        "append and transition."
    )
    assert debounced([Finding("unpublished_silent", (emitted(1),))], "it") == ""


def test_a_hop_is_explained() -> None:
    assert hop_words("decode") == "decode (the Realtime server reads it from the log)"
    assert hop_words("elsewhere") == "elsewhere"
