"""What the generator adds to the history, and what it reports to Locust."""

from harness.history import Op, Recorder
from load.offering.stamps import STAMP, Report, Stamp, Stamped

KEYS = {"process_id": "p", "event_id": "e", "event_type": "section_chunk"}


def recorded(*told: tuple[str, str]) -> tuple[list[Report], Recorder]:
    """Reports, and a recorder of what was passed on."""
    passed = Recorder(lambda: 2.0)
    reports: list[Report] = []

    def pass_on(op: Op) -> None:
        passed.record(op.actor, op.f, op.value, type=op.type)

    stamped = Stamped(pass_on, reports.append)
    recorder = Recorder(lambda: 2.0, sinks=(stamped,), keep=False)
    for f, type_ in told:
        recorder.record("app", f, KEYS, type=type_)  # type: ignore[arg-type]
    return reports, passed


def test_an_emit_carries_when_it_was_due_and_offered() -> None:
    STAMP.set(Stamp(due=1.5, offered=1.6, chars=12))

    reports, passed = recorded(("emit", "ok"))

    assert passed.ops()[0].value == {**KEYS, "due": 1.5, "offered": 1.6, "chars": 12}
    assert reports == [{"what": "offered", **KEYS, "at": 2.0, "due": 1.5}]


def test_the_answer_to_an_insert_is_reported_and_its_beginning_is_not() -> None:
    reports, passed = recorded(("insert", "invoke"), ("insert", "fail"))

    assert reports == [{"what": "published", **KEYS, "at": 2.0, "type": "fail"}]
    assert [op.value for op in passed.ops()] == [KEYS, KEYS]
