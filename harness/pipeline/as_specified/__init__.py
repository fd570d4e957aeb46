"""The accused: the specification's own code, behaving to the letter; what teams run today.

The same nouns as the reference beside it, and what the reference is judged against: each S1 defect of
spec-decisions 5 is shown here by a test in `tests/defects`, and shown absent there. To the letter it would not run
at all; `REPAIRS` lists what was mended, and nothing else was.
"""

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True, kw_only=True)
class Repair:
    """One thing without which nothing would run: what the letter does, and what runs in its place."""

    defect: str
    letter: str
    instead: str


REPAIRS: Final = (
    Repair(
        defect="D-12",
        letter="nobody assigns `event_publisher`: the first event of a debouncer raises AttributeError",
        instead="the publisher that makes the debouncer assigns itself",
    ),
    Repair(
        defect="D-20",
        letter="a synchronous client in async code: every insert stops the event loop, and with it the whole harness",
        instead="an asynchronous client; two calls that load a counter at once still count on from one value",
    ),
    Repair(
        defect="D-24",
        letter="model_dump() leaves UUIDs and times as they are: they are no JSON, and the insert raises TypeError",
        instead="mode json; NUL characters stay in, and PostgreSQL still refuses them",
    ),
    Repair(
        defect="D-31",
        letter="no publication, no policies: not one change would be delivered, or all of them to everybody",
        instead="our publication, row security and grants",
    ),
    Repair(
        defect="D-32",
        letter="the partitioned table is refused by PostgreSQL, and is a second one of its name",
        instead="the table of the specification's first section; partitions only in a schema of their own",
    ),
)
"""What the letter does is shown in tests/unit/pipeline/as_specified/test_repairs.py, and where it takes a database in
tests/integration/test_as_specified_tables.py."""
