"""Tells the findings of the checkers of delivery: what was lost, doubled, misled, changed or late."""

from collections.abc import Mapping
from typing import Any, Final

from harness.checkers.checker import Finding
from harness.report.circumstances import Circumstances, Teller, event_words, short
from harness.report.words import listed


def _applied_twice(finding: Finding, circumstances: Circumstances) -> str:
    first, again = finding.ops
    return (
        f"{_who(finding)} applied {_what(finding, circumstances)} at {first.time:.3f} s and again at "
        f"{again.time:.3f} s.{_around(finding, circumstances)}"
    )


def _same_event_again(finding: Finding, circumstances: Circumstances) -> str:
    detail = finding.detail
    return (
        f"{_who(finding)} applied {_what(finding, circumstances)}, which is event {detail['other_sequence']} once "
        f"more: the same data under another id ({detail['event_id']} and {detail['other_event_id']}), so that no "
        f"client can tell them apart.{_around(finding, circumstances)}"
    )


def _lost_before_ready(finding: Finding, circumstances: Circumstances) -> str:
    detail = finding.detail
    ready = detail["ready_at"]
    until = "and it never became ready" if ready is None else f"and it was ready at {ready:.3f} s"
    return (
        f"{_who(finding)} never applied {_what(finding, circumstances)}. Its join of {detail['topic']} was answered at "
        f"{detail['joined_at']:.3f} s, the event was committed at {detail['committed_at']:.3f} s, {until}: what is "
        f"committed between the two is not delivered, and the reader did not fetch it."
        f"{_around(finding, circumstances, detail['committed_at'])}"
        f"{_believed(finding, circumstances, detail['committed_at'])}"
    )


def _not_recovered(finding: Finding, circumstances: Circumstances) -> str:
    detail = finding.detail
    late = detail["applied_at"]
    did = "never applied" if late is None else f"applied only at {late:.3f} s"
    return (
        f"{_who(finding)} was cut off at {detail['lost_at']:.3f} s and online again at {detail['back_at']:.3f} s, and "
        f"{did} {_what(finding, circumstances)}, which was committed by then."
        f"{_around(finding, circumstances, detail['lost_at'])}"
        f"{_believed(finding, circumstances, detail['back_at'])}"
    )


def _applied_again(finding: Finding, circumstances: Circumstances) -> str:
    first, again = finding.ops
    had = "which it had before that" if finding.detail["had_it_before"] else "which it had fetched already"
    return (
        f"{_who(finding)} was cut off at {finding.detail['lost_at']:.3f} s; coming back it applied "
        f"{_what(finding, circumstances)} at {again.time:.3f} s, {had} ({first.time:.3f} s)."
    )


def _never_back(finding: Finding, circumstances: Circumstances) -> str:
    at = finding.detail["lost_at"]
    believed = _believed(finding, circumstances, at + 1.0)
    return (
        f"{_who(finding)} lost its connection at {at:.3f} s and was never online again, though nothing kept it."
        f"{_around(finding, circumstances, at)}{believed}"
    )


def _cursor_passed(finding: Finding, circumstances: Circumstances) -> str:
    detail = finding.detail
    seen = "it had not applied it" if detail["committed_by_then"] else "it was not even committed yet"
    return (
        f"The cursor of {_who(finding)} was at {detail['cursor']} and so beyond {_what(finding, circumstances)}, but "
        f"{seen}: a reader that asks since {detail['cursor']} never gets it.{_around(finding, circumstances)}"
    )


def _misrouted(finding: Finding, circumstances: Circumstances) -> str:
    return f"{_who(finding)} had its {_handler(finding)} called for {_row(finding)}, which does not meet it."


def _not_handed(finding: Finding, circumstances: Circumstances) -> str:
    return f"{_who(finding)} got {_row(finding)} and did not hand it to its {_handler(finding)}, which it meets."


def _never_came(finding: Finding, circumstances: Circumstances) -> str:
    return (
        f"{finding.detail['got_it']} got {_row(finding)} at {finding.ops[-1].time:.3f} s; it never came to "
        f"{_who(finding)}, who has the same rights and whose {_handler(finding)} it meets."
    )


def _wrong_topic(finding: Finding, circumstances: Circumstances) -> str:
    detail = finding.detail
    return (
        f"A row of {detail['table']} of {circumstances.process(detail['process_id'])} came to {_who(finding)} on the "
        f"topic {detail['topic']}, which is for another {detail['why']}."
    )


def _lost_at_callback(finding: Finding, circumstances: Circumstances) -> str:
    return (
        f"The client of {_who(finding)} had the frame of {_what(finding, circumstances)} at {finding.ops[0].time:.3f} "
        f"s and never delivered it: lost at the callback.{_around(finding, circumstances)}"
    )


def _not_taken(finding: Finding, circumstances: Circumstances) -> str:
    return (
        f"The server sent {_what(finding, circumstances)} to {_who(finding)} at {finding.ops[0].time:.3f} s, on a "
        f"socket that stayed open; no channel of its client took it.{_around(finding, circumstances)}"
    )


def _truncated(finding: Finding, circumstances: Circumstances) -> str:
    emit, apply = finding.ops
    return (
        f"{_who(finding)} applied {_what(finding, circumstances)} at {apply.time:.3f} s without all of the data that "
        f"was emitted at {emit.time:.3f} s, and took it for whole."
    )


def _part_missing(finding: Finding, circumstances: Circumstances) -> str:
    return f"{_in_part(finding, circumstances)}, and did not notice: it announced no gap and asked for nothing."


def _shown_in_part(finding: Finding, circumstances: Circumstances) -> str:
    return f"{_in_part(finding, circumstances)}, and shows what it says."


def _in_part(finding: Finding, circumstances: Circumstances) -> str:
    detail = finding.detail
    why = [f"without {listed(detail['missing'])}"] if detail["missing"] else []
    why += [f'with the error "{short("; ".join(map(str, detail["errors"])))}"'] if detail["errors"] else []
    row = _what(finding, circumstances) if detail.get("event_id") else "a state row"
    return f"{_who(finding)} received {row} at {finding.ops[-1].time:.3f} s {' and '.join(why)}"


def _value_differs(finding: Finding, circumstances: Circumstances) -> str:
    detail = finding.detail
    row = _what(finding, circumstances) if detail["event_id"] else "a state row"
    return (
        f"{_who(finding)} received {detail['column']} of {row} as "
        f"{short(repr(detail['came']))}; read back it is {short(repr(detail['read_back']))}."
    )


def _not_allowed(finding: Finding, circumstances: Circumstances) -> str:
    detail = finding.detail
    whose = f"{detail['reader']} applied" if detail["reader"] else "The application said"
    return (
        f"{whose} {_what(finding, circumstances)} at {finding.ops[-1].time:.3f} s while the process was "
        f"{detail['phase']}: the automaton does not allow that.{_around(finding, circumstances)}"
    )


def _after_terminal(finding: Finding, circumstances: Circumstances) -> str:
    detail = finding.detail
    whose = f"{detail['reader']} applied" if detail["reader"] else "The application said"
    return (
        f"{whose} {_what(finding, circumstances)} at {finding.ops[-1].time:.3f} s, after the process had "
        f"{detail['phase']}: nothing may follow that."
    )


def _shown_too_old(finding: Finding, circumstances: Circumstances) -> str:
    detail = finding.detail
    applied = "did not apply it" if detail["applied_at"] is None else f"applied it at {detail['applied_at']:.3f} s"
    return (
        f"{_who(finding)} said that it was live and did not have {_what(finding, circumstances)} for "
        f"{detail['waited']:.1f} s: it was committed at {detail['committed_at']:.3f} s, and the reader {applied}."
        f"{_around(finding, circumstances, detail['committed_at'])}"
    )


def _who(finding: Finding) -> str:
    return str(finding.detail["reader"])


def _what(finding: Finding, circumstances: Circumstances) -> str:
    return f"{event_words(finding.detail)} of {circumstances.process(finding.detail.get('process_id'))}"


def _around(finding: Finding, circumstances: Circumstances, time: float | None = None) -> str:
    """What else went on then, by default at the last of the ops."""
    return circumstances.around((finding.detail["reader"], finding.ops[-1].time if time is None else time))


def _believed(finding: Finding, circumstances: Circumstances, time: float) -> str:
    return circumstances.believed((finding.detail["reader"], time), process_id=finding.detail.get("process_id"))


def _handler(finding: Finding) -> str:
    binding: Mapping[str, Any] = finding.detail["binding"]
    asked = f"{binding.get('event', '*')} on {binding.get('table', '*')}"
    told = f"{asked} where {binding['filter']}" if binding.get("filter") else asked
    return f"handler {finding.detail['handler']} ({told})"


def _row(finding: Finding) -> str:
    detail = finding.detail
    return f"the {detail['action']} of row {short(detail['row'])} of {detail['table']}"


TELLERS: Final[Mapping[str, Teller]] = {
    "applied_twice": _applied_twice,
    "same_event_again": _same_event_again,
    "lost_before_ready": _lost_before_ready,
    "not_recovered": _not_recovered,
    "applied_again": _applied_again,
    "never_back": _never_back,
    "cursor_passed": _cursor_passed,
    "misrouted": _misrouted,
    "not_handed": _not_handed,
    "never_came": _never_came,
    "wrong_topic": _wrong_topic,
    "lost_at_callback": _lost_at_callback,
    "not_taken": _not_taken,
    "truncated": _truncated,
    "part_missing": _part_missing,
    "shown_in_part": _shown_in_part,
    "value_differs": _value_differs,
    "not_allowed": _not_allowed,
    "after_terminal": _after_terminal,
    "shown_too_old": _shown_too_old,
}
