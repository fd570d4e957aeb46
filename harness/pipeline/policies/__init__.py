"""WHAT a debouncer holds back, joins and drops: one policy a file, by the names of `--debounce`."""

from collections.abc import Mapping
from typing import Final

from harness.errors import UsageError
from harness.pipeline.policies.concatenate import Concatenate
from harness.pipeline.policies.latest_wins import LatestWins
from harness.pipeline.policies.lossless import Lossless
from harness.pipeline.policies.off import Off
from harness.pipeline.policies.per_entity import PerEntity
from harness.pipeline.policies.policy import Policy

POLICIES: Final[Mapping[str, Policy]] = {
    policy.name: policy for policy in (Off(), Lossless(), LatestWins(), Concatenate(), PerEntity())
}
"""Name → policy. `as-specified` is no policy but the specification's own debouncer, and belongs to that application."""


def policy_named(name: str) -> Policy:
    """The policy of that name; raises `UsageError`, with the names that there are, for any other."""
    if name not in POLICIES:
        raise UsageError(f"no debounce policy {name!r} for the reference: give one of {', '.join(POLICIES)}")
    return POLICIES[name]
