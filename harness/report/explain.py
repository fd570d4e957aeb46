"""Tells a finding in plain words: what, when, between which hops, under which fault, what the client believed."""

from collections.abc import Mapping
from typing import Any, Final

from harness.checkers.checker import Finding
from harness.history import Op
from harness.history.hops import COMMIT, EMIT
from harness.history.secrets import hide_secrets
from harness.report import explain_connection, explain_delivery
from harness.report.circumstances import Circumstances, Teller, debounced, event_words, hop_words, short

__all__ = ["Circumstances", "explain"]


def explain(finding: Finding, circumstances: Circumstances) -> str:
    """One or a few sentences; a kind of finding that is not known here is told by its data."""
    teller = _TELLERS.get(finding.what, _plainly)
    return hide_secrets(teller(finding, circumstances))


def _lost(finding: Finding, circumstances: Circumstances) -> str:
    detail = finding.detail
    reader = detail["reader"]
    commit = _of(finding, COMMIT) or finding.ops[-1]
    at = commit.value.get("at", commit.time)
    process_id = detail["process_id"]
    believed = circumstances.believed((reader, at), process_id=process_id, more=", and was told of nothing")
    return (
        f"{reader} never applied {event_words(detail)} of {circumstances.process(process_id)}, which was "
        f"committed at {at:.3f} s. {_stretch(finding)}{circumstances.around((reader, at))}{believed}"
    )


def _unpublished(finding: Finding, circumstances: Circumstances) -> str:
    detail = finding.detail
    emit = _of(finding, EMIT) or finding.ops[0]
    return (
        f"The application emitted {event_words(detail)} of {circumstances.process(detail['process_id'])} at "
        f"{emit.time:.3f} s; it was never committed, and the application was not told, so {detail['reader']} cannot "
        f"have it. {_stretch(finding)}{debounced([finding], 'it')}{circumstances.around((detail['reader'], emit.time))}"
    )


def _stretch(finding: Finding) -> str:
    last, following = finding.detail["last_hop"], finding.detail["next_hop"]
    seen = finding.ops[-1]
    if following is None:
        return f"It was last seen at {last} ({seen.time:.3f} s)."
    return f"It was last seen at {last} ({seen.time:.3f} s) and never at {hop_words(following)}: lost between the two."


def _disorder(reason: str) -> Teller:
    def tell(finding: Finding, circumstances: Circumstances) -> str:
        earlier, later = finding.ops
        return (
            f"{later.actor} applied {event_words(later.value)} at {later.time:.3f} s, after "
            f"{event_words(earlier.value)} at {earlier.time:.3f} s; {reason}."
            f"{circumstances.around((later.actor, later.time))}"
        )

    return tell


def _section(finding: Finding, circumstances: Circumstances) -> str:
    detail = finding.detail
    written, shown = detail["written"], detail["shown"]
    found = f"shows {shown['chars']} characters that are not those" if shown else "does not show it"
    return (
        f"Section {detail['section_index']} of {circumstances.process(detail['process_id'])} was written with "
        f"{written['chars']} characters (attempt {detail['attempt']}, sha256 {written['sha256'][:12]}…); "
        f"{detail['reader']} {found}" + (f" (sha256 {shown['sha256'][:12]}…)." if shown else ".")
    )


def _article(finding: Finding, circumstances: Circumstances) -> str:
    detail = finding.detail
    return (
        f"The finished article of {circumstances.process(detail['process_id'])} has sha256 {detail['written'][:12]}… "
        f"in the database; {detail['reader']} shows {detail['shown'][:12]}…."
    )


def _changed(finding: Finding, circumstances: Circumstances) -> str:
    detail = finding.detail
    emit, apply = finding.ops
    return (
        f"{detail['reader']} applied {event_words(detail)} of {circumstances.process(detail['process_id'])} at "
        f"{apply.time:.3f} s with other data than was emitted at {emit.time:.3f} s."
    )


def _not_converged(finding: Finding, circumstances: Circumstances) -> str:
    detail = finding.detail
    keys = "; ".join(_difference(key, pair["shown"], pair["stored"]) for key, pair in detail["differs"].items())
    stale = " It says that it is stale, but it had all the time to catch up." if detail["stale"] else ""
    reader, process = detail["reader"], circumstances.process(detail["process_id"])
    return f"At rest, {reader} does not show of {process} what the database holds: {keys}.{stale}"


def _forbidden(finding: Finding, circumstances: Circumstances) -> str:
    detail, op = finding.detail, finding.ops[0]
    what = event_words(op.value) if "event_id" in op.value else "a state row"
    return (
        f"{detail['reader']} has no right to {circumstances.process(detail['process_id'])} and yet got {what} "
        f"at {op.time:.3f} s ({detail['how']})."
    )


def _withheld(finding: Finding, circumstances: Circumstances) -> str:
    detail, op = finding.detail, finding.ops[-1]
    return (
        f"{detail['reader']} may see {event_words(op.value)} of {circumstances.process(op.value.get('process_id'))}, "
        f"but row security hid it at {op.time:.3f} s, and it never came in another way."
        f"{circumstances.rights(detail['reader'], op.time)}{circumstances.around((detail['reader'], op.time))}"
    )


def _difference(key: str, shown: Any, stored: Any) -> str:
    if key != "sections" or not isinstance(shown, list) or not isinstance(stored, list):
        return f"{key} is {short(shown)} instead of {short(stored)}"
    pairs = [{section["section_index"]: section for section in told} for told in (shown, stored)]
    indexes = sorted(index for index in {*pairs[0], *pairs[1]} if pairs[0].get(index) != pairs[1].get(index))
    return f"sections {', '.join(map(str, indexes))} differ ({len(shown)} shown, {len(stored)} stored)"


def _plainly(finding: Finding, circumstances: Circumstances) -> str:
    told = ", ".join(f"{key}: {short(item)}" for key, item in finding.detail.items())
    when = f" at {finding.ops[-1].time:.3f} s" if finding.ops else ""
    return f"{finding.what.replace('_', ' ')}{when}" + (f" ({told})." if told else ".")


def _of(finding: Finding, f: str) -> Op | None:
    return next((op for op in finding.ops if op.f == f), None)


_TELLERS: Final[Mapping[str, Teller]] = {
    "lost_silent": _lost,
    "unpublished_silent": _unpublished,
    "inverted": _disorder("their sequence says the other way round"),
    "against_intent": _disorder("the application meant them the other way round"),
    "against_commit": _disorder("the database committed them the other way round"),
    "section_missing": _section,
    "section_differs": _section,
    "article_differs": _article,
    "event_changed": _changed,
    "not_converged": _not_converged,
    "forbidden": _forbidden,
    "withheld": _withheld,
    **explain_connection.TELLERS,
    **explain_delivery.TELLERS,
}
