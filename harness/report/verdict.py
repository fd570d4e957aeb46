"""The content of `verdict.json` (contract 4): verdicts and accounts for other programs."""

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from harness.checkers.checker import Finding, Verdict, compose
from harness.checkers.trials import trial
from harness.history.accounting import Accounts
from harness.history.secrets import hide_secrets


def verdict_document(header: Mapping[str, Any], verdicts: Mapping[str, Verdict], accounts: Accounts) -> dict[str, Any]:
    """The object of contract 4, with `by_type`, `by_reader` and `extras` beside its `accounting`.

    Each checker has its `trial`: whether it convicts a planted bug and acquits the run without it. Every bin is
    there, those with no event too: the values of `accounting` add up to the events that were owed.
    """
    return {
        "valid": compose(list(verdicts.values())).value,
        "scenario": header.get("scenario"),
        "seed": header.get("seed"),
        "backend": header.get("backend"),
        "pace": header.get("pace"),
        "time_factor": header.get("time_factor"),
        "app": header.get("app"),
        "debounce": header.get("debounce"),
        "checkers": {name: {**_verdict(verdict), **_trial(name)} for name, verdict in verdicts.items()},
        "accounting": _names(accounts.by_bin()),
        "extras": _names(accounts.by_extra()),
        "balanced": accounts.balanced,
        "by_reader": {reader: _names(bins) for reader, bins in accounts.by_reader().items()},
        "by_type": {event_type: _names(bins) for event_type, bins in accounts.by_type().items()},
        "coverage": dict(accounts.coverage),
    }


def _verdict(verdict: Verdict) -> dict[str, Any]:
    told = {
        "valid": verdict.valid.value,
        "looked_at": verdict.looked_at,
        "findings": [_finding(finding) for finding in verdict.findings],
    }
    return {**told, "reason": hide_secrets(verdict.reason)} if verdict.reason else told


def _trial(name: str) -> dict[str, Any]:
    """How the checker did on its planted bug; nothing for the story, which no checker judges."""
    tried = trial(name)
    return {} if tried is None else {"trial": asdict(tried)}


def _finding(finding: Finding) -> dict[str, Any]:
    return {**finding.detail, "what": finding.what, "ops": [op.index for op in finding.ops]}


def _names(counts: Mapping[Any, int]) -> dict[str, int]:
    return {str(key): count for key, count in counts.items()}
