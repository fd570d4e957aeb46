"""The files of the bugs: what they define, and what is refused with a reason."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from harness.bug import AS_SPECIFIED, Bug, Entry, bug_files, catalogue, link, load_bug
from harness.checkers import CHECKERS
from harness.errors import InvalidScenario, UnknownBug

GOOD = '''"""A title."""
from harness import Scenario, generators as gen
from harness.bug import Bug
from harness.checkers import Accounting, Order

def story(rng):
    yield gen.wait(1.0)

scenario = Scenario(story=story, checkers=[Accounting(), Order()])
bug = Bug(id="B7", users_say="gone", reports=("realtime#1",), convicted_by=("order",))
'''


def a_file(folder: Path, text: str, name: str = "b07_mine.py") -> Path:
    file = folder / name
    file.write_text(text)
    return file


def test_a_bug_comes_with_the_scenario_of_its_file(tmp_path: Path) -> None:
    entry = load_bug(a_file(tmp_path, GOOD))

    assert entry.bug == Bug(id="B7", users_say="gone", reports=("realtime#1",), convicted_by=("order",))
    assert (entry.scenario.name, entry.scenario.title, entry.number) == ("b07_mine", "A title.", 7)


def test_the_accused_is_the_specification_unless_a_behaviour_is(tmp_path: Path) -> None:
    plain = load_bug(a_file(tmp_path, GOOD))
    text = GOOD.replace('("order",))', '("duplicates",), accused="realtime-py#213", behaviour=other)')
    other = "from harness.checkers import Duplicates\nother = Scenario(story=story, checkers=[Duplicates()])\nbug ="
    told = load_bug(a_file(tmp_path, text.replace("\nbug =", f"\n{other}"), name="b08_other.py"))

    assert (plain.accused_scenario, plain.accused_app) == (plain.scenario, AS_SPECIFIED)
    assert told.bug.behaviour is not None
    named = replace(told.bug.behaviour, name="b08_other", title=told.scenario.title)
    assert (told.accused_scenario, told.accused_app) == (named, "reference")
    assert told.bug.accused == "realtime-py#213"


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (GOOD.replace("\nbug = ", "\nother = "), "it defines no `bug = Bug(...)`"),
        (GOOD.replace("\nbug = ", "\nbug = 7 or "), "it defines no `bug = Bug(...)`"),
        (GOOD.replace('("order",)', '("order", "content")'), "its scenario lacks the checkers that convict: content"),
        (GOOD.replace('("order",)', "()"), "its scenario lacks the checkers that convict: any"),
        (GOOD.replace('"B7"', '"7"'), "its bug has the id '7', which is none like B7"),
        (GOOD.replace('"B7"', '"B07"'), "its bug has the id 'B07', which is none like B7"),
    ],
)
def test_a_file_that_is_no_bug_is_refused_with_the_reason(tmp_path: Path, text: str, reason: str) -> None:
    with pytest.raises(InvalidScenario) as refused:
        load_bug(a_file(tmp_path, text))

    assert reason in str(refused.value)


def test_the_files_of_a_folder_are_those_of_bugs_by_name(tmp_path: Path) -> None:
    second, first = a_file(tmp_path, GOOD, "b10_y.py"), a_file(tmp_path, GOOD, "b02_x.py")
    a_file(tmp_path, GOOD, "_shared.py")

    assert list(bug_files(tmp_path).items()) == [("b02_x", first), ("b10_y", second)]


def test_the_catalogue_has_all_twenty_eight_classes_in_order() -> None:
    entries = catalogue()

    assert [entry.bug.id for entry in entries] == [f"B{number}" for number in range(1, 29)]
    assert all(entry.scenario.name.startswith(f"b{entry.number:02}_") for entry in entries)


@pytest.mark.parametrize("entry", catalogue(), ids=lambda entry: entry.bug.id)
def test_each_says_who_reported_what_and_who_convicts_whom(entry: Entry) -> None:
    bug = entry.bug

    assert bug.users_say
    assert bug.reports
    assert set(bug.convicted_by) <= CHECKERS.keys()
    assert bug.accused.startswith(AS_SPECIFIED) == (bug.behaviour is None)
    assert bug.time_factor >= 1.0


@pytest.mark.parametrize(
    ("names", "ids"),
    [
        (["b5"], ["B5"]),
        (["B28", "B3"], ["B28", "B3"]),
        (["b05_stale_token"], ["B5"]),
        (["scenarios/bugs/b05_stale_token.py"], ["B5"]),
    ],
)
def test_some_are_chosen_by_id_by_name_or_by_file(names: Sequence[str], ids: list[str]) -> None:
    assert [entry.bug.id for entry in catalogue(names)] == ids


@pytest.mark.parametrize("name", ["B29", "full_flow", ""])
def test_one_that_there_is_not_is_refused_with_those_that_there_are(name: str) -> None:
    with pytest.raises(UnknownBug) as refused:
        catalogue([name])

    assert refused.value.known == [f"B{number}" for number in range(1, 29)]


@pytest.mark.parametrize(
    ("report", "url"),
    [
        ("realtime#281", "https://github.com/supabase/realtime/issues/281"),
        ("realtime-py#213", "https://github.com/supabase/realtime-py/issues/213"),
        ("recording p02", None),
        ("realtime#x", None),
        ("nowhere#1", None),
        ("", None),
    ],
)
def test_a_report_is_found_where_its_repository_is(report: str, url: str | None) -> None:
    assert link(report) == url
