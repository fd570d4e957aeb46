from xml.etree import ElementTree

from harness.checkers import Finding, Verdict
from harness.report.junit import junit
from tests.histories.literal import a_history, applied

HEADER = {"scenario": "two", "seed": 3}
SWAPPED = a_history(applied("r", sequence=2), applied("r", sequence=1))
VALID = Verdict.of([], looked_at=1)


def test_each_checker_is_a_case() -> None:
    inverted = Verdict.invalid(Finding("inverted", SWAPPED[0:2]))

    root = ElementTree.fromstring(junit(HEADER, {"a": VALID, "b": inverted, "c": Verdict.unknown("why")}))

    (suite,) = root
    assert suite.attrib == {"name": "two", "tests": "3", "failures": "1", "errors": "1"}
    assert [(case.get("name"), [child.tag for child in case]) for case in suite] == [
        ("a", []),
        ("b", ["failure"]),
        ("c", ["error"]),
    ]


def test_a_failure_tells_its_findings_in_words() -> None:
    text = junit(HEADER, {"order": Verdict.invalid(Finding("inverted", SWAPPED[0:2]))}, SWAPPED)

    assert "r applied event 1 (step_update) at 0.000 s, after event 2 (step_update) at 0.000 s" in text


def test_many_findings_are_cut_and_counted() -> None:
    kinds = [Finding(f"odd_{number}", SWAPPED[0:2]) for number in range(25)]

    text = junit(HEADER, {"order": Verdict.invalid(*kinds)})

    assert "25 findings" in text
    assert "and 5 more: see report.html" in text


def test_many_findings_of_one_kind_are_one_story() -> None:
    text = junit(HEADER, {"order": Verdict.invalid(*[Finding("inverted", SWAPPED[0:2])] * 25)})

    assert "25 findings" in text
    assert text.count("their sequence says the other way round") == 1
    assert "25 times, at 0.000 s. The first: r applied event 1" in text


def test_hostile_text_stays_text() -> None:
    hostile = '</error><script>alert("x")</script>\x00\x1b\ud800'

    root = ElementTree.fromstring(junit({"scenario": hostile, "seed": 1}, {hostile: Verdict.unknown(hostile)}))

    assert [element.tag for element in root.iter()] == ["testsuites", "testsuite", "testcase", "error"]


def test_a_token_does_not_reach_the_file() -> None:
    reason = "refused: eyJhbGciOiJIUzI1NiJ9.eyJyb2xlIjoiYW5vbiJ9.c2lnbmF0dXJl"

    assert "eyJ" not in junit(HEADER, {"order": Verdict.unknown(reason)})
