"""docs/fidelity.md says what the code does."""

from pathlib import Path

from harness.fidelity.declared import DECLARED
from harness.fidelity.phases import SLACK

TEXT = (Path(__file__).parents[3] / "docs" / "fidelity.md").read_text(encoding="utf-8")


def test_every_declared_difference_is_in_the_docs() -> None:
    rows = [f"| `{each.recording}` | `{each.stream}` | {each.reason} |" for each in DECLARED]

    assert [row for row in rows if row not in TEXT] == []


def test_every_slack_is_in_the_docs() -> None:
    rows = [
        f"| `{each.recording}` | `{each.key}` | {each.frames or f'{100 * each.part:.0f} %'} | {each.reason} |"
        for each in SLACK
    ]

    assert [row for row in rows if row not in TEXT] == []
