"""The table, the causes and the details say what was found."""

from harness.fidelity.difference import Difference, Grade
from harness.fidelity.result import Result, causes, document, table, told, told_causes


def missing(about: str, t: float, grade: Grade = Grade.DATA) -> Difference:
    return Difference(grade=grade, what="missing", stream="A", about=about, expected="it", t=t)


RESULTS = [
    Result(recording="p01_basic.v1", seconds=4.4, differences=[]),
    Result(
        recording="p05_broadcast.v1",
        seconds=14.0,
        differences=[missing("broadcast realtime:x e", 1500.0), missing("broadcast realtime:y e", 900.0)],
    ),
    Result(recording="p06_presence.v2", seconds=28.0, differences=[missing("x", 1.0, Grade.TIMING)]),
]


def test_the_table_has_a_row_a_recording_and_marks_those_that_fail() -> None:
    assert list(table(RESULTS)) == [
        "recording           S1    S2    S3    S4       s",
        "p01_basic.v1         ·     ·     ·     ·     4.4",
        "p05_broadcast.v1     2     ·     ·     ·    14.0  ✗",
        "p06_presence.v2      ·     ·     1     ·    28.0",
        "sum                  2     0     1     0    46.4",
        "2 of 3 recordings without a difference in data, shape or words",
    ]


def test_differences_that_say_the_same_are_one_cause() -> None:
    found = causes(RESULTS)

    assert [(cause.grade.value, cause.words, cause.count, cause.recordings) for cause in found] == [
        ("S1", "broadcast: missing", 2, ["p05_broadcast.v1"]),
        ("S3", "x: missing", 1, ["p06_presence.v2"]),
    ]
    assert list(told_causes(found))[:2] == [
        "S1 ×2    broadcast: missing   [p05.v1]",
        "          e.g. A at 1.500 s broadcast realtime:x e: expected it",
    ]


def test_the_details_stand_in_the_order_of_the_recording() -> None:
    assert list(told(RESULTS[1])) == [
        "p05_broadcast.v1",
        "  S1 A at 0.900 s broadcast realtime:y e: missing",
        "       expected it",
        "  S1 A at 1.500 s broadcast realtime:x e: missing",
        "       expected it",
    ]


def test_the_document_says_whether_it_is_valid() -> None:
    assert document(RESULTS)["valid"] == "invalid"
    assert document(RESULTS[:1])["valid"] == "valid"
    assert document(RESULTS)["recordings"][1]["S1"] == 2
