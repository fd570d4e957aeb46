"""Declared differences are S4 with their reason, and nothing else is."""

from harness.fidelity.declared import DECLARED, declare
from harness.fidelity.difference import Difference, Grade


def difference(stream: str = "pg") -> Difference:
    return Difference(
        grade=Grade.DATA,
        what="result differs",
        stream=stream,
        about="sql #9 select pg_drop_replication_slot(slot_name)",
        expected="error",
        got="SELECT 0",
    )


def test_a_declared_difference_is_graded_and_has_its_reason() -> None:
    found = declare("p13_failures.v2", [difference()])

    assert found[0].grade is Grade.DECLARED
    assert "wal2json" in found[0].reason


def test_the_same_difference_elsewhere_is_not_declared() -> None:
    assert declare("p12_rls.v2", [difference()]) == [difference()]
    assert declare("p13_failures.v2", [difference(stream="A")]) == [difference(stream="A")]


def test_every_declaration_gives_a_reason() -> None:
    assert all(len(declared.reason.split()) > 5 for declared in DECLARED)
