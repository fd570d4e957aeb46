"""Judges a load run: parts → one history → figures and verdicts → thresholds, written beside the history."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from random import Random
from typing import Any, Final

from harness.checkers import CHECKERS, judge
from harness.checkers.checker import Checker, Finding, Valid, Verdict
from harness.errors import HistoryError
from harness.history.accounting import Accounts, account
from harness.history.store import write_text
from harness.report.junit import junit
from load.judging.confidence import interval
from load.judging.figures import DELIVERY_P99, Measured, figures, lost_at, measure
from load.judging.histogram import Times
from load.judging.merging import merge_files
from load.judging.thresholds import thresholds_for
from load.judging.usage import usage_by_second
from load.plan import Plan

RESULT: Final = "result.json"
JUDGES: Final = ("accounting", "content", "order")
COURSE: Final = "course of the run"
"""The claim that says that the run itself went as it should."""
_EXIT_CODES: Final = {Valid.YES: 0, Valid.NO: 1, Valid.UNKNOWN: 2}


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """A run with its figures, what the checkers say (`checked`) and what follows from the thresholds (`claims`).

    `workers` are those of several processes, with their clocks, as `load.playing.director` tells them.
    """

    plan: Plan
    figures: Mapping[str, float | None]
    checked: Mapping[str, Verdict]
    claims: Mapping[str, Verdict]
    workers: Sequence[Mapping[str, Any]] = ()

    @property
    def valid(self) -> Valid:
        """Unknown if any claim is: figures of a load that was not the one that was meant say nothing."""
        found = {claim.valid for claim in self.claims.values()}
        for valid in (Valid.UNKNOWN, Valid.NO):
            if valid in found:
                return valid
        return Valid.YES if found else Valid.UNKNOWN

    @property
    def exit_code(self) -> int:
        return _EXIT_CODES[self.valid]


def judge_run(folder: Path, plan: Plan, header: Mapping[str, Any]) -> Judged:
    """Judge the parts in `folder`, write `history.jsonl`, `result.json` and `junit.xml` there, and say what came of it.

    `header` is what `Stage` tells of the run. Raises `HistoryError` where a part cannot be read or nothing written,
    `UsageError` where the thresholds cannot be.
    """
    parts = sorted((folder / "parts").glob("*.jsonl"))
    if not parts:
        raise HistoryError(f"{folder / 'parts'} holds no history to judge")
    checkers: dict[str, Checker] = {name: CHECKERS[name]() for name in JUDGES}
    whole = {
        "scenario": f"load {plan.debounce}",
        "plan": asdict(plan),
        "checkers": {name: asdict(checker) for name, checker in checkers.items()},  # type: ignore[call-overload]
        **header,
    }
    history = merge_files(parts, folder, whole)
    accounts = account(history)
    begin = header["begin"] or 0.0
    said = plan.seconds * plan.generations
    measured = measure(history, begin=begin, warm_up=plan.warm_up, seconds=said)
    judged = _judged(plan, figures(history, accounts, measured), judge(checkers, history), header["troubles"])
    judged = replace(judged, workers=header.get("workers", ()))
    document = {
        **_document(judged, measured, accounts, begin=begin),
        "usage by second": usage_by_second(history, begin=begin),
    }
    write_text(folder / RESULT, json.dumps(document, indent=2, ensure_ascii=False) + "\n")
    write_text(folder / "junit.xml", junit(whole, judged.claims))
    return judged


def judged_before(folder: Path, plan: Plan) -> Judged:
    """What `judge_run` has written there; a run that did not come to be judged is unknown."""
    try:
        told = json.loads((folder / RESULT).read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        missing = Verdict.unknown(f"it was not judged ({error}): {folder / 'locust.log'} says why")
        return Judged(plan=plan, figures={}, checked={}, claims={COURSE: missing})
    return Judged(
        plan=plan,
        figures=told["figures"],
        checked={name: _verdict(each) for name, each in told["checkers"].items()},
        claims={name: _verdict(each) for name, each in told["claims"].items()},
        workers=told["workers"],
    )


def _judged(
    plan: Plan, found: Mapping[str, float | None], checked: Mapping[str, Verdict], troubles: list[str]
) -> Judged:
    claims = dict(thresholds_for(plan.debounce).verdicts(found, checked))
    if troubles:
        claims[COURSE] = Verdict.unknown("; ".join(troubles))
    return Judged(plan=plan, figures=found, checked=checked, claims=claims)


def _document(judged: Judged, measured: Measured, accounts: Accounts, *, begin: float) -> dict[str, Any]:
    """`result.json`: for the runner that compares several, and for whoever wants more than the percentiles."""
    return {
        "valid": judged.valid.value,
        "plan": asdict(judged.plan),
        "workers": list(judged.workers),
        "figures": dict(judged.figures),
        "claims": {name: _told(verdict) for name, verdict in judged.claims.items()},
        "checkers": {name: _told(verdict) for name, verdict in judged.checked.items()},
        "accounting": {str(bin_): count for bin_, count in accounts.by_bin().items()},
        "times": {name: _encoded(times) for name, times in measured.named().items()},
        "delivery by type": {name: _encoded(times) for name, times in sorted(measured.by_type.items())},
        "delivery by second": {str(at): _encoded(times) for at, times in sorted(measured.by_second.items())},
        "backlog by second": {str(at): waiting for at, waiting in enumerate(measured.backlog.waiting)},
        "backlog noise": round(measured.backlog.noise, 1),
        "backlog grows at s": measured.backlog.grows_at,
        "first lost at s": lost_at(accounts.entries, begin=begin),
        "confidence": _confidence(measured, seed=judged.plan.seed),
    }


def _confidence(measured: Measured, *, seed: int) -> dict[str, Sequence[float]]:
    """Between which values a figure lies with 95 % confidence."""
    found = interval([times for _, times in sorted(measured.by_second.items())], 0.99, Random(seed))
    return {} if found is None else {DELIVERY_P99: [1000 * bound for bound in found]}


def _told(verdict: Verdict) -> dict[str, Any]:
    words = [finding.what for finding in verdict.findings[:5]]
    return {
        "valid": verdict.valid.value,
        "looked_at": verdict.looked_at,
        "findings": len(verdict.findings),
        "reason": verdict.reason or "; ".join(dict.fromkeys(words)),
    }


def _verdict(told: Mapping[str, Any]) -> Verdict:
    """As far as `_told` has it: the findings are one, with the words of the first."""
    match Valid(told["valid"]):
        case Valid.YES:
            return Verdict(valid=Valid.YES, looked_at=told["looked_at"])
        case Valid.NO:
            return Verdict.invalid(Finding(told["reason"]), looked_at=told["looked_at"])
        case Valid.UNKNOWN:
            return Verdict.unknown(told["reason"])


def _encoded(times: Times) -> dict[str, Any]:
    """Percentiles in ms to be read, and the whole histogram."""
    shares = {"p50": 0.5, "p95": 0.95, "p99": 0.99, "p99.9": 0.999, "max": 1.0}
    read = {name: None if (at := times.at(share)) is None else round(1000 * at, 3) for name, share in shares.items()}
    return {"count": times.count, "negative": times.negative, **read, "hdr": times.encoded()}
