"""Tells the findings of the checkers of connections, load and resources: what a client claimed, was refused, left."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final

from harness.checkers.checker import Finding
from harness.report.circumstances import Circumstances, Teller, event_words


def _too_often(finding: Finding, circumstances: Circumstances) -> str:
    detail, (first, second) = finding.detail, finding.ops
    entity = f" ({detail['entity']})" if detail["entity"] else ""
    return (
        f"Two {detail['event_type']}{entity} of {circumstances.process(detail['process_id'])} were published "
        f"{detail['apart_s']:.3f} s apart, at {first.time:.3f} and {second.time:.3f} s; the declared rate is one in "
        f"{detail['interval_s']:g} s. So it was in {detail['times']} of {detail['of']} cases."
    )


def _zombie(finding: Finding, circumstances: Circumstances) -> str:
    detail = finding.detail
    reader, at = detail["reader"], detail["committed_at"]
    heard = detail["last_heard_at"]
    before = f"it had last heard anything at {heard:.3f} s" if heard is not None else "it had never heard anything"
    return (
        f"{reader} said that it was live, and heard nothing for {detail['within_s']:g} s after "
        f"{event_words(detail)} of {circumstances.process(detail['process_id'])} was committed at {at:.3f} s; {before}."
        f"{circumstances.around((reader, at))}"
    )


_WHY: Final[Mapping[str, str]] = {
    "socket_closed": "its socket was closed",
    "channel_lost": "its channel {topic} was lost",
}


def _untrue_live(finding: Finding, circumstances: Circumstances) -> str:
    detail = finding.detail
    why = _WHY.get(detail["why"], f"{detail['why'].replace('_', ' ')} held on its link").format(topic=detail["topic"])
    error = next((f": {op.error}" for op in finding.ops if op.type == "fail" and op.error), "")
    return (
        f"{detail['reader']} said that it was live for {detail['lasted_s']:.2f} s, from {detail['since']:.3f} s on, "
        f"while {why}{error}; it had {detail['limit_s']:g} s to notice."
        f"{circumstances.around((detail['reader'], detail['since']))}"
    )


def _false_close(finding: Finding, circumstances: Circumstances) -> str:
    detail, close = finding.detail, finding.ops[-1]
    return (
        f"{detail['reader']} gave up its socket at {close.time:.3f} s ({detail['reason']}), which was healthy: "
        f"{detail['heard_s_before']:.2f} s before it had told {detail['heard']}, and nothing was wrong with its link."
    )


def _token_refused(finding: Finding, circumstances: Circumstances) -> str:
    detail, op = finding.detail, finding.ops[0]
    return f"{detail['reader']} joined {detail['topic']} at {op.time:.3f} s with a bad token: {detail['error']}."


def _token_expired(finding: Finding, circumstances: Circumstances) -> str:
    detail, op = finding.detail, finding.ops[0]
    return (
        f"{detail['reader']} joined {detail['topic']} at {op.time:.3f} s with a token that had ended at "
        f"{_clock(detail['expires'])}, {detail['wall'] - detail['expires']:.1f} s before, and was taken."
    )


def _joined_as_anon(finding: Finding, circumstances: Circumstances) -> str:
    detail, op = finding.detail, finding.ops[0]
    return (
        f"{detail['reader']} joined {detail['topic']} at {op.time:.3f} s as {detail['role']}, though its user was "
        "signed in: row security hides from it what is the user's own."
    )


def _not_surfaced(finding: Finding, circumstances: Circumstances) -> str:
    detail, op = finding.detail, finding.ops[-1]
    topic = f" on {detail['topic']}" if detail["topic"] else ""
    return (
        f"{detail['reader']} was refused ({detail['refused']}{topic}) at {op.time:.3f} s: {detail['error']}. It went "
        f"on saying that it was live for {detail['within_s']:g} s and more, and told nobody."
        f"{circumstances.around((detail['reader'], op.time))}"
    )


def _retries_unbounded(finding: Finding, circumstances: Circumstances) -> str:
    detail, (first, last) = finding.detail, finding.ops
    error = f" The last error: {detail['error']}." if detail["error"] else ""
    return (
        f"{detail['reader']} joined {detail['topic']} {detail['attempts']} times between {first.time:.2f} and "
        f"{last.time:.2f} s; {detail['allowed']} a minute are allowed.{error}"
        f"{circumstances.around((detail['reader'], first.time))}"
    )


def _storm(finding: Finding, circumstances: Circumstances) -> str:
    detail, (first, last) = finding.detail, finding.ops
    return (
        f"{detail['joins']} joins (links: {detail['links']}) came within a second, from {first.time:.3f} to "
        f"{last.time:.3f} s; {detail['allowed']} are allowed."
    )


def _not_back(finding: Finding, circumstances: Circumstances) -> str:
    detail = finding.detail
    came = "it never was" if detail["back_at"] is None else f"it was so at {detail['back_at']:.2f} s"
    return (
        f"The outage was over at {detail['over_at']:.2f} s, and {detail['reader']} was not ready on all its topics "
        f"within {detail['within_s']:g} s: {came}."
    )


def _leak(finding: Finding, circumstances: Circumstances) -> str:
    detail, (before, after) = finding.detail, finding.ops
    return (
        f"{detail['count']} was {detail['before']} at {before.time:.2f} s and is {detail['after']} at "
        f"{after.time:.2f} s: {detail['after'] - detail['before']} of them were not given back."
    )


def _slow(finding: Finding, circumstances: Circumstances) -> str:
    detail = finding.detail
    kind = f" of {detail['event_type']}" if detail["event_type"] else ""
    missing = f" {detail['missing']} more never came and are not counted." if detail["missing"] else ""
    return (
        f"The {detail['percentile']} from {detail['hop_from']} to {detail['hop_to']}{kind} is "
        f"{detail['seconds']:.3f} s among {detail['samples']} samples, and {detail['gate_s']:g} s are allowed. That "
        f"one is event {detail['sequence']} at {detail['reader']}.{missing}"
        f"{circumstances.around((detail['reader'], finding.ops[-1].time))}"
    )


def _clock(seconds: Any) -> str:
    return f"{datetime.fromtimestamp(seconds, tz=UTC):%H:%M:%S} UTC"


TELLERS: Final[Mapping[str, Teller]] = {
    "too_often": _too_often,
    "zombie": _zombie,
    "untrue_live": _untrue_live,
    "false_close": _false_close,
    "token_refused": _token_refused,
    "token_expired": _token_expired,
    "joined_as_anon": _joined_as_anon,
    "not_surfaced": _not_surfaced,
    "retries_unbounded": _retries_unbounded,
    "storm": _storm,
    "not_back": _not_back,
    "leak": _leak,
    "slow": _slow,
}
