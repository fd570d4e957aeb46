"""Planted bugs: each is a small change of a clean run, and the checker that it is meant for must convict it.

A mutant is a function from a clean history to the history that a faulty application, server or client would have
left. Mutants of the reference's own code join the table when they can be run: they make their history themselves.
"""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from harness.checkers import CHECKERS, Valid, judge
from harness.history import History
from tests.histories.clean import clean_run
from tests.mutants import connection_mutants, delivery_mutants
from tests.mutants.mutant import READER, Mutant, is_at_reader, numbered, with_value


def chunks(history: History) -> list[int]:
    """The sequences of the section chunks."""
    return [op.value.sequence for op in history.where(f="commit", event_type="section_chunk")]


def recovery_skips_the_gap(history: History) -> History:
    """After the outage the reader goes on live and never fetches."""
    return numbered(op for op in history if not (is_at_reader(op, "deliver", "apply") and op.value.via == "fetch"))


def the_server_loses_a_frame(history: History) -> History:
    lost = history.where(f="receive", actor=READER)[3].value.sequence
    later = ("receive", "deliver", "apply")
    return numbered(op for op in history if not (is_at_reader(op, *later) and op.value.sequence == lost))


def the_debouncer_drops_a_chunk(history: History) -> History:
    """As specified: the later chunk replaces the earlier one, whose text nobody ever gets."""
    gone, into = (op.value.event_id for op in history.where(f="emit", event_type="section_chunk")[1:3])
    kept = (op for op in history if op.f in ("emit", "debounce") or op.value.get("event_id") != gone)
    return numbered(
        with_value(op, outcome="replaced", into=into) if op.f == "debounce" and op.value.event_id == gone else op
        for op in kept
    )


def the_insert_is_forgotten(history: History) -> History:
    """The publisher emits and never writes, and tells nobody."""
    gone = history.where(f="emit", event_type="step_completed")[2].value.event_id
    return numbered(op for op in history if op.f == "emit" or op.value.get("event_id") != gone)


def live_frames_overtake(history: History) -> History:
    """Two applications change places: the reader applies as frames come, without looking at the sequence."""
    ops = list(history)
    first, second = [op.index for op in history.where(f="apply", actor=READER, via="live")][3:5]
    ops[first], ops[second] = replace(ops[second], time=ops[first].time), replace(ops[first], time=ops[second].time)
    return numbered(ops)


def live_goes_before_the_backfill(history: History) -> History:
    """The reader applies what comes live at once, and what it fetched meanwhile after that."""
    fetched = [op for op in history if is_at_reader(op, "apply") and op.value.via == "fetch"][2:]
    rest = [op for op in history if op not in fetched]
    place = next(index for index, op in enumerate(rest) if is_at_reader(op, "apply") and op.index > fetched[-1].index)
    late = [replace(op, time=rest[place].time) for op in fetched]
    return numbered([*rest[: place + 1], *late, *rest[place + 1 :]])


def the_debouncer_overtakes(history: History) -> History:
    """An event that was forced out overtakes an older one that was waiting (D-3)."""
    ops = list(history)
    first, second = [op.index for op in history.where(f="emit", event_type="research_progress")][1:3]
    ops[first] = with_value(ops[first], intent=history[second].value.intent)
    ops[second] = with_value(ops[second], intent=history[first].value.intent)
    return numbered(ops)


def the_reducer_drops_a_chunk(history: History) -> History:
    """Every event is applied, but the text of one chunk does not get into the section."""
    return in_view(history, lambda sections: [{**sections[0], "sha256": "0" * 64, "chars": 1}, *sections[1:]])


def the_reducer_ignores_a_section(history: History) -> History:
    return in_view(history, lambda sections: sections[:-1])


def a_long_payload_is_cut(history: History) -> History:
    cut = chunks(history)[0]
    return numbered(
        with_value(op, content="0" * 64) if is_at_reader(op, "apply") and op.value.sequence == cut else op
        for op in history
    )


def the_state_row_is_believed_late(history: History) -> History:
    """The client shows the status of an old state row."""
    return numbered(
        with_value(op, status="running", current_step="writing_sections") if is_at_reader(op, "view") else op
        for op in history
    )


def a_question_stays_open(history: History) -> History:
    return numbered(
        with_value(op, is_waiting_for_input=True, expected_user_input="APPROVE_OUTLINE")
        if is_at_reader(op, "view")
        else op
        for op in history
    )


def the_server_forgets_the_policy(history: History) -> History:
    """A stranger on the same topic receives what the owner receives."""
    subscribe = history.where(f="subscribe", actor=READER)[0]
    first = history.where(f="receive", actor=READER)[0]
    stranger = replace(with_value(subscribe, user_id="a stranger"), actor="stranger")
    return numbered([*history[: first.index], stranger, replace(first, actor="stranger"), *history[first.index :]])


def the_policy_sees_an_old_claim(history: History) -> History:
    """The owner is refused one of their own events, and nothing fetches it."""
    hidden = history.where(f="receive", actor=READER)[3].value.event_id
    later = ("receive", "deliver", "apply")
    kept = (op for op in history if not (is_at_reader(op, *later) and op.value.get("event_id") == hidden))
    return numbered(
        with_value(op, to=[], withheld=[READER]) if op.f == "authorise" and op.value.get("event_id") == hidden else op
        for op in kept
    )


def in_view(history: History, change: Callable[[list[Any]], list[Any]]) -> History:
    return numbered(
        with_value(op, sections=change(op.value.sections)) if is_at_reader(op, "view") else op for op in history
    )


MUTANTS = (
    Mutant(bug="recovery skips the gap", convicted_by="accounting", change=recovery_skips_the_gap),
    Mutant(bug="the server loses a frame", convicted_by="accounting", change=the_server_loses_a_frame),
    Mutant(bug="the debouncer drops a chunk", convicted_by="accounting", change=the_debouncer_drops_a_chunk),
    Mutant(bug="the insert is forgotten", convicted_by="accounting", change=the_insert_is_forgotten),
    Mutant(bug="live frames overtake", convicted_by="order", change=live_frames_overtake),
    Mutant(bug="live goes before the backfill", convicted_by="order", change=live_goes_before_the_backfill),
    Mutant(bug="the debouncer overtakes", convicted_by="order", change=the_debouncer_overtakes),
    Mutant(bug="the reducer drops a chunk", convicted_by="content", change=the_reducer_drops_a_chunk),
    Mutant(bug="the reducer ignores a section", convicted_by="content", change=the_reducer_ignores_a_section),
    Mutant(bug="a long payload is cut", convicted_by="content", change=a_long_payload_is_cut),
    Mutant(bug="the state row is believed late", convicted_by="convergence", change=the_state_row_is_believed_late),
    Mutant(bug="the server forgets the policy", convicted_by="row_security", change=the_server_forgets_the_policy),
    Mutant(bug="the policy sees an old claim", convicted_by="row_security", change=the_policy_sees_an_old_claim),
    Mutant(bug="a question stays open", convicted_by="convergence", change=a_question_stays_open),
    *connection_mutants.MUTANTS,
    *delivery_mutants.MUTANTS,
)


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.bug)
def test_a_planted_bug_is_convicted(mutant: Mutant) -> None:
    history = mutant.change(clean_run())

    verdict = CHECKERS[mutant.convicted_by]().check(history)

    assert verdict.valid is mutant.says


@pytest.mark.parametrize("mutant", [one for one in MUTANTS if one.also is not None], ids=lambda mutant: mutant.bug)
def test_a_planted_bug_is_convicted_by_nobody_else(mutant: Mutant) -> None:
    history = mutant.change(clean_run())

    verdicts = judge({name: checker() for name, checker in CHECKERS.items()}, history)

    convicting = {name for name, verdict in verdicts.items() if verdict.valid is Valid.NO}
    guilty = {mutant.convicted_by} if mutant.says is Valid.NO else set()
    assert convicting == guilty | (mutant.also or set())


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_a_clean_run_is_acquitted_by_all(seed: int) -> None:
    verdicts = judge({name: checker() for name, checker in CHECKERS.items()}, clean_run(seed=seed))

    assert {name: verdict.valid for name, verdict in verdicts.items()} == dict.fromkeys(CHECKERS, Valid.YES)


@pytest.mark.parametrize("name", CHECKERS)
def test_every_checker_has_a_mutant(name: str) -> None:
    assert any(mutant.convicted_by == name for mutant in MUTANTS)
