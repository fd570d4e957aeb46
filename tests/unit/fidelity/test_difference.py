"""Planted differences get exactly their grade, and runs that may differ do not."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

import pytest

from harness.fidelity.comparison import Run, as_played, differences
from harness.fidelity.difference import Difference
from harness.fidelity.recording import Entry
from tests.unit.fidelity.story import ROW, edited, replaced, story, without


def graded(found: Sequence[Difference]) -> list[tuple[str, str, str]]:
    return [(difference.grade.value, difference.what, difference.about) for difference in found]


def test_a_run_is_not_different_from_itself() -> None:
    assert differences(story(), as_played(story()), as_played(story())) == []


def test_a_missing_frame_is_missing_data() -> None:
    assert graded(edited(without(10))) == [("S1", "missing", "postgres_changes realtime:x t INSERT")]


def test_an_additional_frame_is_wrong_data() -> None:
    found = edited(lambda entries: [*entries[:11], replace(entries[10], t=2301.0), *entries[11:]])

    assert graded(found) == [("S1", "additional", "postgres_changes realtime:x t INSERT")]


def test_a_changed_word_is_a_difference_of_words() -> None:
    found = edited(replaced(14, "no such thing", "no such a thing"))

    assert graded(found) == [("S2", "payload.response.reason differs", "phx_reply realtime:x ref 3")]
    assert (found[0].expected, found[0].got) == ("no such thing", "no such a thing")


def test_a_changed_value_of_a_row_is_wrong_data() -> None:
    found = edited(replaced(7, '"n": 1', '"n": 9'))

    assert graded(found) == [("S1", "payload.data.record.n differs", "postgres_changes realtime:x t INSERT")]


def test_a_key_that_a_row_lacks_is_missing_data() -> None:
    found = edited(replaced(7, '"n": 1, ', ""))

    assert graded(found) == [("S1", "payload.data.record.n differs", "postgres_changes realtime:x t INSERT")]


def test_a_key_that_the_envelope_lacks_is_a_difference_of_shape() -> None:
    found = edited(replaced(7, '"errors": null, ', ""))

    assert graded(found) == [("S2", "payload.data.errors differs", "postgres_changes realtime:x t INSERT")]


def test_the_same_number_written_otherwise_is_a_difference_of_shape() -> None:
    found = edited(replaced(7, '"n": 1', '"n": 1.0'))

    assert graded(found) == [("S2", "payload.data.record.n differs", "postgres_changes realtime:x t INSERT")]


def test_another_status_is_wrong_data() -> None:
    found = edited(replaced(14, '"error"', '"ok"'))

    assert graded(found) == [("S1", "payload.status differs", "phx_reply realtime:x ref 3")]


def test_another_join_ref_is_a_difference_of_shape_and_another_ref_is_wrong_data() -> None:
    join_ref = edited(replaced(14, '["1", "3"', '[null, "3"'))
    ref = edited(replaced(14, '["1", "3"', '["1", "4"'))

    assert graded(join_ref) == [("S2", "join_ref differs", "phx_reply realtime:x ref 3")]
    assert sorted(difference.what for difference in ref) == ["additional", "missing"]


def test_two_frames_of_a_topic_that_changed_places_are_a_difference_of_order() -> None:
    def swap(entries: list[Entry]) -> list[Entry]:
        first, second = entries[3], entries[4]
        entries[3], entries[4] = replace(second, t=first.t), replace(first, t=second.t)
        return entries

    found = edited(swap)

    assert [(difference.grade.value, difference.what) for difference in found] == [("S3", "out of order")]


def test_a_frame_that_is_three_seconds_late_is_a_difference_of_timing() -> None:
    found = edited(lambda entries: [replace(e, t=e.t + 3000) if i == 15 else e for i, e in enumerate(entries)])

    assert [(difference.grade.value, difference.what) for difference in found] == [("S3", "late")]
    assert (found[0].expected, found[0].got) == ("8.0 s after its cause", "11.0 s")


def test_a_refusal_that_comes_at_once_instead_of_after_five_seconds_is_early() -> None:
    found = edited(lambda entries: [replace(e, t=4000.5) if i == 14 else e for i, e in enumerate(entries)])

    assert [(difference.grade.value, difference.what) for difference in found] == [("S3", "early")]


@pytest.mark.parametrize("late_ms", [-290.0, 400.0])
def test_the_phase_of_a_poll_is_no_difference(late_ms: float) -> None:
    found = edited(lambda entries: [replace(e, t=e.t + late_ms) if i == 10 else e for i, e in enumerate(entries)])

    assert found == []


def test_a_play_that_began_late_and_waited_is_no_difference() -> None:
    script = story()
    played = replace(
        script,
        wall=script.wall + timedelta(hours=3),
        entries=tuple(replace(entry, t=entry.t + 1700) for entry in script.entries),
    )
    acted = {number: t + 1700 for number, t in as_played(script).acted.items()}

    found = differences(script, as_played(script), Run(recording=played, acted=acted))

    # The rows' own times are of the recording's day, which is near enough to the play's to count as times.
    assert found == []


def test_ids_that_the_server_makes_may_be_others() -> None:
    def renamed(entries: list[Entry]) -> list[Entry]:
        return [
            replace(e, text=e.text.replace(ROW[:-1], "99999999-8888-4666-8666-55555555555").replace("77", "5"))
            for e in entries
        ]

    assert edited(renamed) == []


def test_a_binding_id_that_is_another_than_in_the_reply_is_wrong_data() -> None:
    found = edited(replaced(10, '"ids": [77]', '"ids": [78]'))

    assert graded(found) == [("S1", "another binding", "postgres_changes realtime:x t INSERT")]


def test_a_binding_id_of_zero_is_wrong_data() -> None:
    found = edited(replaced(10, '"ids": [77]', '"ids": [0]'))

    assert graded(found) == [("S1", "payload.ids[] differs", "postgres_changes realtime:x t INSERT")]


def test_another_close_code_is_wrong_data() -> None:
    found = edited(lambda entries: [replace(e, code=1011) if i == 15 else e for i, e in enumerate(entries)])

    assert graded(found) == [("S1", "code differs", "close")]


def test_a_refused_socket_instead_of_an_open_one_is_wrong_data() -> None:
    found = edited(
        lambda entries: [replace(e, dir="http", status=401, text="no") if i == 1 else e for i, e in enumerate(entries)]
    )

    assert ("S1", "heard differs", "answer") in graded(found)


def test_another_outcome_of_a_statement_names_the_statement() -> None:
    found = edited(replaced(6, "INSERT 0 1", "INSERT 0 0"))

    assert graded(found) == [("S1", "result differs", "sql #1 insert into t values ($1)")]


def test_the_web_servers_own_headers_may_be_others() -> None:
    found = edited(
        lambda entries: [replace(e, headers={"server": "aiohttp"}) if i == 1 else e for i, e in enumerate(entries)]
    )

    assert found == []
